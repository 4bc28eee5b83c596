"""Which split a row belongs to: its content alone decides, or that of one named column."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
import pyarrow as pa

from beltline.pipeline.tables.row_digest import text_hashes

_BUCKETS = 1_000_000


def rows_of_splits(
    batch: pa.RecordBatch, shares: Mapping[str, float], split_by: str = ""
) -> dict[str, np.ndarray]:
    """Returns for each split the numbers of the rows that belong to it, in order."""
    buckets = row_buckets(batch.select([split_by]) if split_by else batch)
    split = np.searchsorted(edges_of(shares), buckets, side="right") - 1
    return {name: np.flatnonzero(split == index) for index, name in enumerate(shares)}


def edges_of(shares: Mapping[str, float]) -> np.ndarray:
    """Returns the bucket at which each split begins, [splits]."""
    return np.cumsum([0.0, *shares.values()])[:-1] * _BUCKETS


def row_buckets(batch: pa.RecordBatch) -> np.ndarray:
    """Returns the bucket of each row by its hash, [rows] from 0 to 999,999."""
    return row_hashes(batch) % _BUCKETS


def row_hashes(batch: pa.RecordBatch) -> np.ndarray:
    """Returns a uint64 for each row, [rows]: the same for the same values by column name.

    Neither the order of the columns counts nor whether a number is written 1 or 1.0. (The encoded
    tf.Examples can't be hashed: the order of the features in them changes from process to process.)
    """
    total = np.zeros(batch.num_rows, dtype=np.uint64)
    for name in sorted(batch.schema.names):
        column = batch.column(name)
        is_text = pa.types.is_string(column.type)
        hashes = text_hashes(column) if is_text else _number_hashes(column)
        total = total * np.uint64(1_000_003) + hashes
    return pd.util.hash_array(total)


def _number_hashes(column: pa.Array) -> np.ndarray:
    return pd.util.hash_array(column.to_numpy(zero_copy_only=False).astype(np.float64))
