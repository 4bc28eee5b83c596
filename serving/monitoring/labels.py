"""Labels that arrive later: CSV or Parquet files with a key, by which a label finds its row."""

from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv, parquet

from beltline.base.errors import WrongInput
from beltline.base.hints import did_you_mean
from beltline.base.values import is_missing

_CSV = (".csv", ".csv.gz", ".csv.zst")
_PARQUET = ".parquet"


def read_labels(path: Path, key: str, label: str) -> Mapping[str, str]:
    """Returns the label of each key, both as texts; of several labels the last.

    Args:
      path: a CSV or Parquet file, or a folder of them, read in the order of their names.
      key: the column that names the row.
      label: the column of the label.

    Raises:
      WrongInput: there is no such file, it can't be read, or lacks a column.
    """
    labels: dict[str, str] = {}
    for file in _files(path):
        table = _table(file, [key, label])
        keys, values = (_texts(table.column(name)) for name in (key, label))
        pairs = zip(keys, values, strict=True)
        labels.update({k: value for k, value in pairs if k and value and not is_missing(value)})
    return labels


def _files(path: Path) -> list[Path]:
    if path.is_dir():
        found = [file for file in sorted(path.iterdir()) if file.name.endswith((*_CSV, _PARQUET))]
        return [file for file in found if not file.name.startswith(".")]
    if not path.exists():
        raise WrongInput(
            f"{path}: no such file or folder (`monitoring.labels`); an empty folder will do until "
            "the first labels arrive"
        )
    if not path.name.endswith((*_CSV, _PARQUET)):
        raise WrongInput(f"{path}: labels are read from {', '.join((*_CSV, _PARQUET))}")
    return [path]


def _table(file: Path, names: list[str]) -> pa.Table:
    try:
        known = _names(file)
        for name in names:
            if name not in known:
                raise WrongInput(
                    f"{file}: has no column '{name}'{did_you_mean(name, known)} "
                    f"(there: {', '.join(known)})"
                )
        if file.name.endswith(_PARQUET):
            return parquet.read_table(file, columns=names)
        # As text: a key such as 007 must stay what it is.
        options = csv.ConvertOptions(
            include_columns=names, column_types=dict.fromkeys(names, pa.string())
        )
        return csv.read_csv(file, convert_options=options)
    except (OSError, pa.ArrowException) as error:
        raise WrongInput(f"{file}: can't be read: {error}") from None


def _names(file: Path) -> list[str]:
    if file.name.endswith(_PARQUET):
        return list(parquet.read_schema(file).names)
    with csv.open_csv(file) as reader:
        return list(reader.schema.names)


def _texts(column: pa.ChunkedArray) -> list[str | None]:
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if pa.types.is_floating(column.type) and pc.all(pc.equal(column, pc.floor(column))).as_py():
        # A missing value among whole numbers has made floats of them.
        column = column.cast(pa.int64())
    texts: list[str | None] = column.cast(pa.string()).to_pylist()
    return texts
