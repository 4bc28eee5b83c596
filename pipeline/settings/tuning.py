"""The section `tuning` of `pipeline.yaml`: the search for hyperparameters."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError, model_validator

from beltline.base.hints import did_you_mean
from beltline.base.settings.section import MisplacedError, Section
from beltline.pipeline.settings.training import Model, Training

_OF_TRAINING = ("learning_rate", "weight_decay")
_OF_TREES = "tree_"


class Searched(Section):
    """The search range of one hyperparameter: `min` and `max`, or `choices`."""

    min: float | None = Field(None, description="The least value of a range.")
    max: float | None = Field(None, description="The greatest value of a range.")
    scale: Literal["linear", "log"] | None = Field(
        None,
        description="How values are spread over the range; by default `log` where `max` is at "
        "least ten times a `min` above 0.",
    )
    choices: list[bool | int | float | str] | None = Field(
        None, description="The values, instead of a range."
    )

    @model_validator(mode="after")
    def _is_a_range_or_choices(self) -> "Searched":
        if self.choices is not None:
            if any(each is not None for each in (self.min, self.max, self.scale)):
                raise ValueError("`choices` can't be combined with `min`, `max` or `scale`")
            if len(set(self.choices)) < 2:
                raise MisplacedError("must have at least two different values", "choices")
            return self
        if self.min is None or self.max is None:
            raise ValueError("set `min` and `max`, or `choices`")
        if self.min >= self.max:
            raise ValueError(f"empty range: `min` {self.min:g} is not below `max`")
        if self.scale == "log" and self.min <= 0:
            raise MisplacedError("must be above 0 with `scale: log`", "min")
        return self

    @property
    def ends(self) -> Sequence[Any]:
        """The values to validate: the range's ends, or every choice."""
        return self.choices if self.choices is not None else (self.min, self.max)

    def holds(self, value: Any) -> bool:
        """Returns whether the search space contains a value."""
        if self.min is not None and self.max is not None:
            return self.min <= value <= self.max
        return value in self.ends


class Tuning(Section):
    """The search for hyperparameters."""

    when: Literal["always", "missing", "never"] = Field(
        "never",
        description="`always`: search whenever an input of the search has changed. `missing`: "
        "search only if no earlier run of this pipeline has, for the same label, columns and "
        "network; else use that search's best. `never`: use the settings.",
    )
    search: Literal["bayesian", "hyperband"] = Field(
        "bayesian",
        description="How values are chosen. `bayesian`: every trial trains to its end and guides "
        "the next. `hyperband`: many short trials, of which the best are continued.",
    )
    trials: int = Field(
        20,
        ge=2,
        description="Number of trials of `bayesian`; that of `hyperband` follows from `epochs`.",
    )
    epochs: Annotated[int, Field(ge=1)] | None = Field(
        None,
        description="Most epochs of a trial; by default `training.epochs`.",
    )
    parallel: Annotated[int, Field(ge=1)] | Literal["auto"] = Field(
        "auto",
        description="Trials at once, each in a process of its own: `auto` is one per GPU, or one "
        "on the CPU. There are never more than GPUs or, without any, cores.",
    )
    space: dict[str, Searched] = Field(
        default_factory=dict,
        description="Search range by hyperparameter: `learning_rate`, `weight_decay`, a number or "
        "a choice of `model`, or `width` (times `model.hidden`) and `depth` (how many layers). "
        "Each must include the settings' value. By default learning rate, dropout, width and depth "
        "around the settings; with trees among `model.learners` also those of the settings named "
        "`tree_…`, by default learning rate, leaves, fewest rows and columns.",
    )


def tunable(model: Model, training: Training) -> dict[str, Any]:
    """Returns the value of every hyperparameter that can be tuned, by name.

    A number or a choice in `model` can be tuned as it is, if what learns has it. To tune another
    value, add it here and apply it in `beltline.models.hyperparameters.hyperparameters_of`.
    """
    scalars = {
        name: value
        for name, value in model.model_dump().items()
        if isinstance(value, int | float | str) and not name.endswith("_fn")
    }
    of_trees = {name: value for name, value in scalars.items() if name.startswith(_OF_TREES)}
    if "network" not in model.learners:
        return of_trees
    values: dict[str, Any] = {name: getattr(training, name) for name in _OF_TRAINING}
    values |= {name: value for name, value in scalars.items() if name not in of_trees}
    values |= {"width": 1.0, "depth": len(model.hidden)}
    return {**values, **of_trees} if model.has_trees else values


def check_space(
    space: Mapping[str, Searched], untuned: Mapping[str, Any], sections: Sequence[Section]
) -> None:
    """Checks the search space against the settings.

    Args:
      space: the section `tuning.space`.
      untuned: the settings' value of every hyperparameter that can be tuned, by name.
      sections: the sections that validate a value.

    Raises:
      MisplacedError: a hyperparameter is unknown, or its range is invalid.
    """
    for name, searched in space.items():
        if name not in untuned:
            hint = did_you_mean(name, list(untuned))
            raise MisplacedError(
                f"unknown hyperparameter: allowed: {', '.join(untuned)}{hint}",
                "tuning",
                "space",
                name,
            )
        value = untuned[name]
        if isinstance(value, bool | str) and searched.choices is None:
            raise MisplacedError("has no range; set `choices`", "tuning", "space", name)
        for end in searched.ends:
            why = _why_not(name, _of_kind(end, value), sections)
            if why:
                raise MisplacedError(f"invalid value {end!r}: {why}", "tuning", "space", name)
        if not searched.holds(value):
            raise MisplacedError(
                f"must include {value!r}, the value in the settings: it is the first trial",
                *("tuning", "space", name),
            )


def _of_kind(end: Any, value: Any) -> Any:
    whole = type(value) is int and isinstance(end, float) and end.is_integer()
    return int(end) if whole else end


def _why_not(name: str, value: Any, sections: Sequence[Section]) -> str:
    """Returns why a value is invalid for its setting, or an empty text."""
    for section in (*sections, _Derived()):
        if name in type(section).model_fields:
            try:
                type(section).model_validate({**section.model_dump(), name: value})
            except ValidationError as error:
                return str(error.errors()[0]["msg"]).removeprefix("Input ")
    return ""


class _Derived(Section):
    """Hyperparameters that are not settings: they change `model.hidden`."""

    width: float = Field(1.0, gt=0, description="Times the units of each layer.")
    depth: int = Field(1, ge=1, le=100, description="How many layers.")
