"""Which columns a model reads and what each is used as.

`Features` is the one thing that preprocessing, network, training and export share. Everything that
they need to know about the data must be in it: it comes from the pipeline as the section `features`
of `custom_config` (`config.py`). To tell them something new, add a field here and fill it in
`beltline.pipeline.feature_spec`.
"""

import dataclasses
from typing import Literal

Kind = Literal["integer", "number", "text"]
Task = Literal["binary", "multiclass", "regression"]
Numbers = Literal["quantile", "zscore"]
Part = Literal["hour", "weekday", "month", "age"]


@dataclasses.dataclass(frozen=True)
class Features:
    """The model's inputs and its label."""

    columns: dict[str, Kind]
    """Type of every input column in the raw Examples; the label isn't among them."""
    numeric: tuple[str, ...]
    """Columns used as numbers."""
    categorical: tuple[str, ...]
    """Columns used as categories; a column may also be in `numeric`."""
    timestamps: dict[str, tuple[Part, ...]]
    """Text columns of times, and the numbers that are made of each."""
    label: str
    task: Task
    classes: tuple[str, ...]
    """The label's values in the order of their indices; binary: negative, positive."""
    domains: dict[str, tuple[str, ...]]
    """The values of the text columns that the schema lists; of the others they are learnt."""
    numbers: Numbers
    vocabulary_size: int
    out_of_vocabulary_buckets: int

    def __post_init__(self) -> None:
        self._check_columns()
        self._check_classes()

    @property
    def listed(self) -> tuple[str, ...]:
        """Category columns whose values are known beforehand."""
        return tuple(name for name in self.categorical if name in self.domains)

    @property
    def learnt(self) -> tuple[str, ...]:
        """Category columns whose values are found in the training rows."""
        return tuple(name for name in self.categorical if name not in self.domains)

    @property
    def number_count(self) -> int:
        """Numbers per row: the columns in `numeric`, then the parts of each timestamp."""
        return len(self.numeric) + sum(map(len, self.timestamps.values()))

    @property
    def numeric_width(self) -> int:
        """Values of the transformed `numeric` per row: each number has one or two."""
        return self.number_count * (2 if self.numbers == "quantile" else 1)

    def _check_columns(self) -> None:
        if not self.number_count and not self.categorical:
            raise ValueError("the model has no input: no numeric and no categorical column")
        unknown = sorted({*self.numeric, *self.categorical, *self.timestamps} - set(self.columns))
        if unknown:
            raise ValueError(f"columns without a type: {', '.join(unknown)}")
        text = [name for name in self.numeric if self.columns[name] == "text"]
        if text:
            raise ValueError(f"text columns can't be used as numbers: {', '.join(text)}")
        floats = [name for name in self.categorical if self.columns[name] == "number"]
        if floats:
            raise ValueError(f"number columns can't be used as categories: {', '.join(floats)}")
        if self.label in self.columns:
            raise ValueError(f"the label '{self.label}' is also an input")

    def _check_classes(self) -> None:
        if self.task == "regression":
            if self.classes:
                raise ValueError("a regression label has no classes")
        elif self.task == "binary" and len(self.classes) != 2:
            raise ValueError(f"a binary label has two classes, not {len(self.classes)}")
        elif len(self.classes) < 2:
            raise ValueError("a label needs at least two classes")
        elif len(set(self.classes)) != len(self.classes):
            raise ValueError("the label's classes must differ")
