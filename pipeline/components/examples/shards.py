"""Writing one unit's rows: a shard in each split, and a file of the rows that can't be read.

Reading a block, hashing and encoding it is left to threads, whose work is done without Python's
lock. Packing goes on beside it, in the order of the blocks: a shard's content is always the same.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from beltline.base.errors import WrongInput
from beltline.pipeline import tables
from beltline.pipeline.components.examples.in_order import in_order
from beltline.pipeline.components.record_files import record_writer
from beltline.pipeline.tables.examples import encoded
from beltline.pipeline.tables.rejects import RejectsFile
from beltline.pipeline.tables.row_digest import RowDigest


@dataclass(frozen=True)
class Written:
    """What became of the rows of a unit, or of several."""

    counts: dict[str, int] = field(default_factory=dict)
    """Rows of each split, and `dropped`, `rejected` and `gap` ones, which are in none."""
    misfits: tuple[str, ...] = ()
    """Values that are not of their column's kind; what is written is then not complete."""
    digest: str = ""
    """Of the rows that were read, where they are those of a query."""

    @staticmethod
    def total(parts: Iterable["Written"]) -> "Written":
        """Adds up the units."""
        counts: Counter[str] = Counter()
        misfits: list[str] = []
        digests: list[str] = []
        for part in parts:
            counts.update(part.counts)
            misfits += part.misfits
            # A query is a unit as a whole.
            digests.append(part.digest)
        return Written(dict(counts), tuple(misfits), "".join(digests))


@dataclass(frozen=True)
class _Rows:
    """The rows of one block, ready to be written."""

    records: dict[str, Sequence[bytes]]
    dropped: int
    between: int
    """Rows of no split."""
    rejected: list[tables.Rejected]


@dataclass(frozen=True)
class Shards:
    """Writes the rows of a unit; picklable for Beam."""

    uri: str
    units: int
    kinds: Mapping[str, tables.Kind]
    unwritten: Mapping[str, tables.Kind]
    """A column that is read for the split alone."""
    splits: Sequence[str]
    rows_of_splits: Callable[[pa.RecordBatch], Mapping[str, np.ndarray]]
    """Returns for each split the numbers of its rows."""
    drop_without: str

    def write(self, numbered: tuple[int, tables.Unit]) -> Written:
        """Writes a unit, of which the number is known. Raises WrongInput for unreadable rows."""
        number, unit = numbered
        try:
            return self._write(number, unit)
        except tables.OtherKind as misfit:
            # No error for Beam, which would try the unit again.
            return Written(misfits=(str(misfit),))
        except tables.UnreadableRow as error:
            raise WrongInput(
                f"{error}; with data.unreadable: reject, such rows are left out"
            ) from error

    def _write(self, number: int, unit: tables.Unit) -> Written:
        counts = Counter({"dropped": 0, "rejected": 0})
        name = f"{number:05d}-of-{self.units:05d}"
        blocks = unit.blocks([*self.kinds, *self.unwritten])
        digest = RowDigest()
        if isinstance(unit, tables.Query):
            blocks = digest.through(blocks)
        with ExitStack() as stack:
            writers = {
                split: stack.enter_context(record_writer(str(self._folder(split) / _shard(name))))
                for split in self.splits
            }
            rejects = stack.enter_context(RejectsFile(self.uri, name))
            for rows in in_order(lambda block: self._rows(unit.source(), block), blocks):
                for split, records in rows.records.items():
                    writers[split](records)
                    counts[split] += len(records)
                rejects.add(rows.rejected)
                counts.update(dropped=rows.dropped, rejected=len(rows.rejected))
                if rows.between:
                    counts["gap"] += rows.between
        return Written(dict(counts), digest=digest.hexdigest() if digest.rows else "")

    def _folder(self, split: str) -> Path:
        folder = Path(self.uri) / f"Split-{split}"
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def _rows(self, source: str, block: tables.Block) -> _Rows:
        batch, rejected = tables.typed(source, block, {**self.kinds, **self.unwritten})
        tables.check_ranges(source, block, batch, self.kinds)
        kept = self._labelled(batch)
        records = encoded(kept.select(list(self.kinds)))
        chosen = self.rows_of_splits(kept)
        between = kept.num_rows - sum(map(len, chosen.values()))
        return _Rows(
            {split: records[rows].tolist() for split, rows in chosen.items()},
            batch.num_rows - kept.num_rows,
            between,
            rejected,
        )

    def _labelled(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        if not self.drop_without:
            return batch
        return batch.filter(pc.is_valid(batch.column(self.drop_without)))


def _shard(name: str) -> str:
    return f"data_tfrecord-{name}.gz"
