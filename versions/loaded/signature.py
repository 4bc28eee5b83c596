"""The signatures of a SavedModel: its inputs and outputs.

A signature has named inputs and outputs. Where TensorFlow doesn't take a column's name, the export
renamed the input, and `assets.extra/input_names.json` says which column it stands for.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

DEFAULT_SIGNATURE = "serving_default"
"""The signature of a request that names none; the serving check records its answers."""

NamedArrays = dict[str, np.ndarray]
"""Values by the name of an input or output, `[rows, ...]` each."""


@dataclass(frozen=True)
class Tensor:
    """One input or output."""

    node: str
    """Its name in the graph, such as `serving_default_mold:0`."""
    dtype: np.dtype[Any]
    """What its values are; `object` for texts, which are bytes in answers."""
    shape: tuple[int | None, ...] | None
    """None for a length that may be any, and for a shape that may be any."""

    @property
    def by_row(self) -> bool:
        """Whether there is one value per row, for any number of rows."""
        return self.shape is not None and self.shape[:1] == (None,)


@dataclass(frozen=True)
class Signature:
    """One signature."""

    name: str
    method: str
    """`tensorflow/serving/predict`, `.../classify` or `.../regress`."""
    inputs: dict[str, Tensor]
    outputs: dict[str, Tensor]
    columns: dict[str, str]
    """The data's name of each input: the same, unless TensorFlow didn't take it."""
    definition: Any
    """The `SignatureDef` itself, for the metadata."""

    @cached_property
    def by_row(self) -> bool:
        """Whether the rows of several requests can be run as one batch and split again."""
        return all(tensor.by_row for tensor in [*self.inputs.values(), *self.outputs.values()])
