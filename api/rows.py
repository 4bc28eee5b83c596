"""Rows of a table: those that a node made, and those that somebody hands over."""

from collections.abc import Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from beltline.base.errors import WrongInput

if TYPE_CHECKING:
    import pandas as pd

Rows = "Mapping[str, Any] | Sequence[Mapping[str, Any]] | pd.DataFrame | pa.Table"


def rows_of(folder: Path, split: str, most: int) -> "pd.DataFrame":
    """Returns the first rows of an Examples artifact; a column's single values are plain ones.

    Args:
      folder: the artifact.
      split: which of its splits.
      most: how many rows.

    Raises:
      WrongInput: there is no such split, or its files are gone.
    """
    files = sorted(map(str, (folder / f"Split-{split}").glob("*.gz")))
    if not files:
        known = sorted(each.name.removeprefix("Split-") for each in folder.glob("Split-*"))
        there = f"its splits are {', '.join(known)}" if known else f"{folder} is gone"
        raise WrongInput(f"no rows of the split '{split}': {there}")
    # Only now: TensorFlow takes seconds.
    import tensorflow as tf
    from tfx_bsl.coders.example_coder import ExamplesToRecordBatchDecoder

    records = tf.data.TFRecordDataset(files, "GZIP").as_numpy_iterator()
    batch = ExamplesToRecordBatchDecoder().DecodeBatch(list(islice(records, most)))
    frame: pd.DataFrame = pa.Table.from_batches([batch]).to_pandas()
    return frame.map(_plain)


def _plain(values: Any) -> Any:
    """Returns the values of one row and column: one alone, none, or all as a list."""
    if values is None or len(values) == 0:
        return None
    found = [
        each.decode("utf-8", "replace") if isinstance(each, bytes) else each for each in values
    ]
    return found[0] if len(found) == 1 else found


def table_of(rows: Any) -> pa.Table:
    """Returns rows as an Arrow table.

    Args:
      rows: a row, several of them, a pandas DataFrame, or an Arrow table. A row is a mapping; what
        it lacks is missing.

    Raises:
      WrongInput: they are nothing of that, there is none, or the values of a column are of several
        types.
    """
    if isinstance(rows, Mapping):
        rows = [rows]
    try:
        if isinstance(rows, pa.Table):
            table = rows
        elif hasattr(rows, "to_dict"):
            table = pa.Table.from_pandas(rows, preserve_index=False)
        elif isinstance(rows, Sequence) and all(isinstance(row, Mapping) for row in rows):
            names = dict.fromkeys(str(name) for row in rows for name in row)
            table = pa.table({name: [row.get(name) for row in rows] for name in names})
        else:
            raise WrongInput(
                "rows: a mapping, a list of mappings, a DataFrame or an Arrow table is needed, not "
                f"{type(rows).__name__}"
            )
    except (pa.ArrowException, OverflowError, ValueError) as error:
        raise WrongInput(f"rows: {error}") from None
    if not table.num_rows:
        raise WrongInput("rows: there is none")
    return table
