"""What the pipeline tells the model code: `custom_config`, parsed once and typed from then on.

TFX hands every component its configuration as JSON. `from_config` reads it into dataclasses; an
unknown or a missing key is an error that names it. The fields are those of the sections in
`beltline.pipeline.settings`, which this package can't import: a test compares the two. To add a
setting, add its field to the section there and to the dataclass here.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any, Literal, TypeVar

from beltline.models.features import Features

Auto = Literal["auto"]
Imbalance = Literal["prior", "balanced"]
Gpu = Literal["required", "preferred", "off"]
Precision = Literal["auto", "off", "float16", "bfloat16"]
Xla = Literal["auto", "on", "off"]
Learner = Literal["network", "trees", "extra_trees"]

TREES: tuple[Learner, ...] = ("trees", "extra_trees")

_Section = TypeVar("_Section")


@dataclasses.dataclass(frozen=True)
class ModelConfig:
    """The settings' section `model`: what learns, and the functions to replace any part of it."""

    preprocessing_fn: str
    run_fn: str
    tuner_fn: str
    network_fn: str
    learners: list[Learner]
    members: int
    hidden: list[int]
    dropout: float
    embedding: int
    tree_rounds: int
    tree_patience: int
    tree_learning_rate: float
    tree_leaves: int
    tree_depth: int
    tree_min_rows: int
    tree_rows: float
    tree_columns: float


@dataclasses.dataclass(frozen=True)
class TrainingConfig:
    """The settings' section `training`: how the model learns."""

    epochs: int | Auto
    patience: int
    batch_size: int | Auto
    learning_rate: float
    weight_decay: float
    folds: int | Auto
    seed: int
    imbalance: Imbalance
    gpu: Gpu
    mixed_precision: Precision
    xla: Xla
    steps_per_execution: int | Auto
    minutes: float | None
    checkpoint_minutes: float
    workers: int


@dataclasses.dataclass(frozen=True)
class SearchRange:
    """Where one hyperparameter is searched: from `min` to `max`, or among `choices`."""

    min: float | None = None
    max: float | None = None
    scale: Literal["linear", "log"] | None = None
    """None follows the range, see `search_space.py`."""
    choices: list[bool | int | float | str] | None = None


@dataclasses.dataclass(frozen=True)
class TuningConfig:
    """The settings' section `tuning`: how hyperparameters are searched."""

    when: Literal["always", "missing", "never"]
    search: Literal["bayesian", "hyperband"]
    trials: int
    epochs: int | None
    parallel: int | Auto
    space: dict[str, SearchRange]
    values: dict[str, Any]
    """The settings' own value of every hyperparameter that can be tuned, by name."""


@dataclasses.dataclass(frozen=True)
class Config:
    """The configuration of the Trainer or the Tuner."""

    code_digest: str
    """Digest of the model code: a change in it must rerun the component."""
    features: Features
    model: ModelConfig
    training: TrainingConfig
    tuning: TuningConfig | None = None
    """Only the Tuner has it."""


def from_config(custom_config: Mapping[str, Any]) -> Config:
    """Returns the `custom_config` of the Trainer or the Tuner, typed.

    Raises:
      ValueError: a key is unknown or missing, or the columns or classes contradict each other.
    """
    _check_keys(Config, custom_config, "")
    tuning = custom_config.get("tuning")
    return Config(
        code_digest=custom_config["code_digest"],
        features=features_from_config(custom_config),
        model=_read(ModelConfig, custom_config["model"], "model"),
        training=_read(TrainingConfig, custom_config["training"], "training"),
        tuning=None if tuning is None else _tuning(tuning),
    )


def features_from_config(custom_config: Mapping[str, Any]) -> Features:
    """Returns the section `features`, which every component's `custom_config` has.

    Raises:
      ValueError: a key is unknown or missing, or the columns or classes contradict each other.
    """
    if "features" not in custom_config:
        raise ValueError("custom_config: missing key 'features'")
    values = dict(custom_config["features"])
    _check_keys(Features, values, "features.")
    for name in ("numeric", "categorical", "classes"):
        values[name] = tuple(values[name])
    for name in ("domains", "timestamps"):
        values[name] = {column: tuple(listed) for column, listed in values[name].items()}
    return Features(**values)


def _tuning(values: Mapping[str, Any]) -> TuningConfig:
    _check_keys(TuningConfig, values, "tuning.")
    space = {
        name: _read(SearchRange, searched, f"tuning.space.{name}")
        for name, searched in values["space"].items()
    }
    return TuningConfig(**{**values, "space": space})


def _read(section: type[_Section], values: Mapping[str, Any], name: str) -> _Section:
    _check_keys(section, values, f"{name}.")
    return section(**values)


def _check_keys(section: type[Any], values: Mapping[str, Any], prefix: str) -> None:
    known = {field.name: field.default for field in dataclasses.fields(section)}
    for name in values:
        if name not in known:
            raise ValueError(f"custom_config: unknown key '{prefix}{name}'")
    for name, default in known.items():
        if name not in values and default is dataclasses.MISSING:
            raise ValueError(f"custom_config: missing key '{prefix}{name}'")
