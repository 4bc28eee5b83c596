"""A digest of rows that does not depend on their order: of a query's result, as it streams by.

Each row becomes 64 bits; their sum and the number of rows make up the digest. Neither the order of
the columns counts, nor whether a number is written 1 or 1.0.
"""

import hashlib
from collections.abc import Iterable, Iterator

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from beltline.pipeline.tables.units import Block

_MISSING = np.uint64(0x9E3779B97F4A7C15)
_STEP = np.uint64(1_000_003)


class RowDigest:
    """Takes batches of one table; `rows` is how many rows they had."""

    def __init__(self) -> None:
        self.rows = 0
        self._names: list[str] = []
        self._sum = 0

    def add(self, batch: pa.RecordBatch) -> None:
        """Takes a batch of integer, float and string columns."""
        self._names = sorted(batch.schema.names)
        self.rows += batch.num_rows
        self._sum += int(np.sum(_row_hashes(batch, self._names), dtype=np.uint64))

    def through(self, blocks: Iterable[Block]) -> Iterator[Block]:
        """Takes the rows of each block, and hands it on."""
        for block in blocks:
            self.add(block.read()[0])
            yield block

    def hexdigest(self, besides: str = "") -> str:
        """Returns the SHA-256 (hex) of names, number of rows, sum of hashes, and `besides`."""
        whole = f"{besides} {self._names} {self.rows} {self._sum % 2**64}"
        return hashlib.sha256(whole.encode()).hexdigest()


def _row_hashes(batch: pa.RecordBatch, names: list[str]) -> np.ndarray:
    total = np.zeros(batch.num_rows, dtype=np.uint64)
    for name in names:
        total = total * _STEP + _hashes(batch.column(name))
    # Mixed once more, or rows that exchange values between columns could sum up to the same.
    return pd.util.hash_array(total)


def _hashes(column: pa.Array) -> np.ndarray:
    if pa.types.is_string(column.type):
        return text_hashes(column)
    present = pc.is_valid(column).to_numpy(zero_copy_only=False)
    hashes = _of_numbers(column.fill_null(0).to_numpy(zero_copy_only=False))
    return np.where(present, hashes, _MISSING)


def text_hashes(column: pa.Array) -> np.ndarray:
    """Returns a uint64 for each text, [rows]; a missing one has pandas' hash of what is missing."""
    # Most texts come more than once, and each needs its hash only once.
    encoded = column.dictionary_encode()
    different = encoded.dictionary.to_numpy(zero_copy_only=False)
    hashes = np.append(
        pd.util.hash_array(different, categorize=False), np.uint64(np.iinfo(np.uint64).max)
    )
    return hashes[encoded.indices.fill_null(len(different)).to_numpy(zero_copy_only=False)]


def _of_numbers(values: np.ndarray) -> np.ndarray:
    floats = values.astype(np.float64)
    hashes = pd.util.hash_array(floats)
    if values.dtype.kind != "i":
        return hashes
    # What a float can't hold of a large integer counts too.
    with np.errstate(invalid="ignore"):
        rest = values.astype(np.int64) - floats.astype(np.int64)
    return hashes + rest.view(np.uint64)
