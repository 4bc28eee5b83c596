"""What the monitoring compares: a version's training rows, and requests as a server keeps them."""

import json
import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
from google.protobuf import text_format
from tensorflow_metadata.proto.v0.schema_pb2 import FeatureType, Schema
from tensorflow_metadata.proto.v0.statistics_pb2 import DatasetFeatureStatisticsList

from beltline.data.casting import generate
from beltline.serving.options import Options
from beltline.versions.folder import CARD, EXTRA, SCHEMA, STATISTICS

LABEL = "scrap"
# No inputs of the model: the label, and what a draft leaves out.
_NO_INPUTS = ("part_id", "cast_at", LABEL)
_SCHEMA_FILE = Path(__file__).parents[1] / "schema/casting.pbtxt"
_KINDS = {FeatureType.INT: "integer", FeatureType.FLOAT: "number", FeatureType.BYTES: "text"}
_TYPES = {"integer": pa.int64(), "number": pa.float32(), "text": pa.binary()}


def version(root: Path, number: int = 1) -> None:
    """Makes a version that has all that requests are compared with, and no model to ask."""
    # It takes seconds to import.
    from beltline.serving.monitoring.counting import statistics_of

    schema = text_format.Parse(_SCHEMA_FILE.read_text(), Schema())
    kinds = {each.name: _KINDS[each.type] for each in schema.feature if each.name != LABEL}
    rows = generate(3000, 3)
    lists = {name: _lists(rows[name], kind) for name, kind in kinds.items()}
    statistics = DatasetFeatureStatisticsList(datasets=[statistics_of(pa.table(lists))])
    path = root / "served" / "casting" / str(number)
    (path / EXTRA).mkdir(parents=True)
    (path / STATISTICS).write_bytes(statistics.SerializeToString())
    shutil.copy(_SCHEMA_FILE, path / SCHEMA)
    card = {"problem": {"label": LABEL, "task": "binary", "columns": kinds}}
    (path / CARD).write_text(json.dumps(card))
    # A version counts with its model.
    (path / "saved_model.pb").touch()


def _lists(column: pa.ChunkedArray, kind: str) -> pa.Array:
    """The column as TFDV has it: a list of one value, or null, for each row."""
    values = column.cast(_TYPES[kind]).to_pylist()
    return pa.array(
        [None if each is None else [each] for each in values], pa.large_list(_TYPES[kind])
    )


def sample(root: Path, rows: pa.Table, number: int = 1, name: str = "casting") -> None:
    """Writes rows of the casting data as those that a version has just been asked for."""
    # It takes seconds to import.
    from beltline.serving.samples.sampler import Sampler

    served, requests = (root / folder / name for folder in ("served", "requests"))
    sampler = Sampler(Options(name, served, requests=requests))
    sampler.take(number, _columns(rows), {}, None)
    sampler.close()
    assert (sampler.written, sampler.dropped) == (rows.num_rows, 0)


def as_trained(rows: int = 600) -> pa.Table:
    """Fresh rows like those that were trained on."""
    return generate(rows, 21)


def drifted(rows: int = 600) -> pa.Table:
    """Rows of a later time, when the line has changed."""
    return generate(rows, 22, later=True)


def _columns(rows: pa.Table) -> dict[str, np.ndarray]:
    inputs = [name for name in rows.column_names if name not in _NO_INPUTS]
    return {name: _values(rows[name]) for name in inputs}


def _values(column: pa.ChunkedArray) -> np.ndarray:
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        return np.array(column.fill_null("").to_pylist(), object)
    return np.asarray(column.cast(pa.float64()).to_numpy(zero_copy_only=False), np.float32)
