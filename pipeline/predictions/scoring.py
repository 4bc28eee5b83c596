"""Predicts the rows of a unit of the data, and writes them to a part in Parquet.

Importing this imports neither Beam nor TensorFlow: what Beam runs does, where it runs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from beltline.base.errors import WrongInput
from beltline.pipeline import tables
from beltline.pipeline.tables.examples import encoded
from beltline.pipeline.tables.rejects import RejectsFile
from beltline.versions.folder import Version, known

if TYPE_CHECKING:
    from beltline.versions.loaded.servable import Servable

SIGNATURE = "examples"
VERSION = "version"
# The model's batch: large enough that a call costs nothing, small enough for any model's memory.
_ROWS = 1024


@dataclass(frozen=True)
class Scoring:
    """What to predict with what; picklable for Beam."""

    version: Version
    kinds: Mapping[str, tables.Kind]
    """The kind of each column that the model reads."""
    kept: Sequence[str]
    """The columns that stand beside the predictions, as text."""
    folder: str
    """Where the parts are written."""

    def write(self, numbered: tuple[int, tables.Unit]) -> tuple[int, int]:
        """Writes the part of a unit, of which the number is known.

        Returns:
          How many rows were predicted, and how many can't be read.

        Raises:
          WrongInput: a value is not of its column's kind, or the model can't be loaded.
        """
        number, unit = numbered
        name = f"{number:05d}"
        rows = rejected = 0
        writer: pq.ParquetWriter | None = None
        with RejectsFile(self.folder, name) as rejects:
            for batch, unreadable in self._predictions(unit):
                rejects.add(unreadable)
                rejected += len(unreadable)
                if batch is not None:
                    writer = writer or pq.ParquetWriter(self._part(name), batch.schema)
                    writer.write_batch(batch)
                    rows += batch.num_rows
        if writer:
            writer.close()
        return rows, rejected

    def _part(self, name: str) -> str:
        return f"{self.folder}/{name}.parquet"

    def _predictions(
        self, unit: tables.Unit
    ) -> Iterator[tuple[pa.RecordBatch | None, list[tables.Rejected]]]:
        texts: dict[str, tables.Kind] = dict.fromkeys(self.kept, "text")
        for unread in unit.blocks(list({**self.kinds, **texts})):
            block = _ReadBlock(unread, unread.read())
            batch, rejected = tables.typed(unit.source(), block, self.kinds)
            tables.check_ranges(unit.source(), block, batch, self.kinds)
            kept, _ = tables.typed(unit.source(), block, texts)
            if batch.num_rows:
                yield self._beside(kept, _outputs(self._servable(), encoded(batch))), rejected
            else:
                yield None, rejected

    def _servable(self) -> Servable:
        return _loaded(str(self.version.path.parent), self.version.number)

    def _beside(self, kept: pa.RecordBatch, outputs: Mapping[str, pa.Array]) -> pa.RecordBatch:
        version = pa.array(np.full(kept.num_rows, self.version.number))
        predicted = {**outputs, VERSION: version}
        twice = next((name for name in kept.schema.names if name in predicted), None)
        if twice is not None:
            raise WrongInput(
                f"the column {twice!r} of the table is called as one of the predictions: name the "
                "columns to keep with --keep, or in predict.keep"
            )
        columns = dict(zip(kept.schema.names, kept.columns, strict=True)) | predicted
        return pa.RecordBatch.from_arrays(list(columns.values()), names=list(columns))


@dataclass(frozen=True)
class _ReadBlock:
    """A block whose rows are taken twice, and parsed once."""

    block: tables.Block
    found: tuple[pa.RecordBatch, list[tables.Rejected]]

    def read(self) -> tuple[pa.RecordBatch, list[tables.Rejected]]:
        return self.found

    def place(self, row: int) -> str:
        return self.block.place(row)


@lru_cache(1)
def _loaded(folder: str, number: int) -> Servable:
    from beltline.versions.loaded.errors import BrokenVersion
    from beltline.versions.loaded.servable import load

    version = known(Path(folder), number)
    if version is None:
        raise WrongInput(f"{folder}: version {number} has been deleted")
    try:
        servable = load(version, _ROWS)
    except BrokenVersion as error:
        raise WrongInput(str(error)) from error
    if SIGNATURE not in servable.signatures:
        raise WrongInput(f"version {number} has no signature {SIGNATURE!r}")
    return servable


def _outputs(servable: Servable, examples: np.ndarray) -> dict[str, pa.Array]:
    """Returns the outputs by name, [rows] each; the probability of each class as its own."""
    [name] = servable.signatures[SIGNATURE].inputs
    parts = [
        servable.run(SIGNATURE, {name: examples[start : start + _ROWS]})
        for start in range(0, len(examples), _ROWS)
    ]
    found = {key: np.concatenate([part[key] for part in parts]) for key in parts[0]}
    columns = {key: _column(values) for key, values in found.items() if values.ndim == 1}
    if {"classes", "probabilities"} <= found.keys():
        names = _column(found["classes"][0]).to_pylist()
        each = found["probabilities"].T
        columns |= {
            f"probability_{name}": _column(values) for name, values in zip(names, each, strict=True)
        }
    return columns


def _column(values: np.ndarray) -> pa.Array:
    if values.dtype.kind != "O":
        return pa.array(values)
    return pa.array([each.decode("utf-8", "replace") for each in values.tolist()], pa.string())
