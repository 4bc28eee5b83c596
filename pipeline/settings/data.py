"""The sections `data`, `label` and `features` of `pipeline.yaml`: the rows and the columns."""

from typing import Annotated, Literal

from pydantic import Discriminator, Field, Tag, model_validator

from beltline.base.settings.section import MisplacedError, Section
from beltline.pipeline.settings.rows import Rows

Task = Literal["binary", "multiclass", "regression"]
Part = Literal["hour", "weekday", "month", "age"]

_Share = Annotated[float, Field(gt=0, lt=1)]


class Splits(Section):
    """The shares of the rows for training, for early stopping and for the evaluation."""

    train: _Share = Field(0.7, description="Share of the rows that the model is trained on.")
    validation: _Share = Field(
        0.1, description="Share of the rows for early stopping and the choice of the threshold."
    )
    eval: _Share = Field(
        0.2, description="Share of the rows that the Evaluator evaluates the model on."
    )

    @model_validator(mode="after")
    def _shares_are_whole(self) -> "Splits":
        if abs(self.train + self.validation + self.eval - 1) > 1e-6:
            raise ValueError("train, validation and eval must sum to 1")
        return self


class TimeSplit(Section):
    """A split in the order of time: the latest rows are for the evaluation."""

    time: str = Field(
        description="A column of numbers or of ISO 8601 times. The earliest rows are for training, "
        "the next for validation, the latest for the evaluation; rows of one time stay together. "
        "It may be a column that `features` excludes."
    )
    gap: float = Field(
        0.0,
        ge=0,
        lt=0.5,
        description="Share of the rows that is left out before the validation and before the "
        "evaluation rows, so that neighbours in time are not on both sides.",
    )


BRANCHES = ("[text]", "[section]")
"""Pydantic's steps to the two kinds of `split_by`, which no key of the file stands for."""
_SplitBy = Annotated[
    Annotated[str, Tag(BRANCHES[0])] | Annotated[TimeSplit, Tag(BRANCHES[1])],
    Discriminator(lambda value: BRANCHES[isinstance(value, dict | TimeSplit)]),
]


class Data(Rows):
    """Where the rows come from."""

    splits: Splits = Field(default_factory=Splits, description="How the rows are split.")
    split_by: _SplitBy | None = Field(
        None,
        description="A column whose value decides the split, so that rows with the same value are "
        "in the same split; or `{time: COLUMN}` for a split in the order of time; without it the "
        "row's whole content decides.",
    )
    stratify: bool = Field(
        False,
        description="Give each class its exact share of every split, where chance alone would "
        "leave too few rows of a rare class, or of a small table, in one. Not with `split_by`.",
    )
    unlabelled: Literal["refuse", "drop"] = Field(
        "refuse",
        description="Rows without a label: `refuse` makes the data gate refuse the data, `drop` "
        "drops and counts them.",
    )
    unreadable: Literal["stop", "reject"] = Field(
        "stop",
        description="Malformed rows (ragged, invalid UTF-8, broken quotes): `stop` fails the run "
        "at the first one, `reject` counts them and writes them to a file of their own.",
    )

    @property
    def split_column(self) -> str | None:
        """The column that decides the split."""
        return self.split_by.time if isinstance(self.split_by, TimeSplit) else self.split_by

    @property
    def time_gap(self) -> float | None:
        """The gap of a split in the order of time, None for another split."""
        return self.split_by.gap if isinstance(self.split_by, TimeSplit) else None

    @model_validator(mode="after")
    def _the_gap_leaves_rows(self) -> "Data":
        smallest = min(self.splits.train, self.splits.validation)
        if isinstance(self.split_by, TimeSplit) and self.split_by.gap >= smallest:
            raise MisplacedError(
                f"leaves no rows of a split: must be below {smallest}", "split_by", "gap"
            )
        return self

    @model_validator(mode="after")
    def _one_thing_decides_the_split(self) -> "Data":
        if self.stratify and self.split_by is not None:
            raise MisplacedError("can't be combined with `split_by`", "stratify")
        return self


class Label(Section):
    """The column to predict."""

    column: str = Field(description="The column to predict.")
    task: Task = Field(description="The kind of prediction.")
    positive: str | None = Field(
        None, description="For a binary label, the value whose probability the model gives."
    )

    @model_validator(mode="after")
    def _positive_goes_with_binary(self) -> "Label":
        if (self.task == "binary") != (self.positive is not None):
            raise ValueError("`positive` is required for a binary label, and allowed only there")
        return self


class FeatureSettings(Section):
    """The model's inputs."""

    include: list[str] | None = Field(
        None, description="Only these columns; without it every column of the schema."
    )
    exclude: list[str] = Field(
        default_factory=list,
        description="Columns that are not read at all, such as ids.",
    )
    overrides: dict[str, Literal["number", "category", "both"]] = Field(
        default_factory=dict,
        description="How to use a column, in place of what follows from the schema.",
    )
    timestamps: dict[str, Annotated[list[Part], Field(min_length=1)]] = Field(
        default_factory=dict,
        description="Text columns of ISO 8601 times, and the numbers that the model sees of each, "
        "in UTC: the `hour` with its fraction, the `weekday` (Monday is 1), the `month`, and the "
        "`age`, the days since a fixed one. A text that is no time is a missing value.",
    )
    numbers: Literal["quantile", "zscore"] = Field(
        "quantile",
        description="Encoding of numbers: the rank among the training values (robust to outliers), "
        "or the distance from the mean in standard deviations.",
    )
    vocabulary_size: int = Field(
        10_000, ge=1, description="Most values that are kept for one category column."
    )
    out_of_vocabulary_buckets: int = Field(
        1, ge=1, description="Hash buckets shared by the values that are not kept."
    )
