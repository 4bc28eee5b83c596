"""A value means the same whichever way it comes in.

The ways are CSV, Parquet, SQL, :predict, :classify, gRPC's Predict, the Open Inference Protocol in
JSON and in binary data, and the samples of requests. A value is sent through each of them, and
either all of them refuse it, or all have the same one.
"""

import asyncio
import json
import math
import sqlite3
import string
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tensorflow.core.example.example_pb2 import Example
from tensorflow_serving.apis.predict_pb2 import PredictRequest

from beltline.base.errors import WrongInput
from beltline.base.settings.monitoring import Sampling
from beltline.base.values import MISSING
from beltline.pipeline import tables
from beltline.pipeline.tables.examples import encoded
from beltline.serving.grpc.tensors import ProtoTensor, to_proto
from beltline.serving.options import Options
from beltline.serving.rest.classify import Classify
from beltline.serving.rest.column_values import SENT
from beltline.serving.rest.metrics import ServerMetrics
from beltline.serving.rest.open_inference.datatypes import DATATYPES, to_bytes
from beltline.serving.rest.open_inference.infer import Infer
from beltline.serving.rest.open_inference.request import JSON_LENGTH
from beltline.serving.rest.parsing import Parsing
from beltline.serving.rest.predict import Predict
from beltline.serving.rest.responses import HttpError
from beltline.serving.rest.table_rows import RowParser, sample
from beltline.serving.samples.sampler import Sampler
from beltline.serving.servables.served import ServedVersions
from beltline.versions.folder import CARD, find
from beltline.versions.loaded.signature import NamedArrays, Signature, Tensor
from tests.serving.monitoring.made import rows_of

KINDS: dict[str, tables.Kind] = {"count": "integer", "heat": "number", "mold": "text"}
REFUSED = "refused"
# What each way says of one value, of the column that it is for.
Meanings = dict[str, Any]

_NUMBERS = st.one_of(
    st.integers(-100, 100),
    st.integers(-(2**63), 2**63 - 1),
    st.sampled_from([2**53 - 1, 2**53, -(2**53) - 1]),
    st.floats(width=32),
    st.floats(allow_nan=False),
    st.sampled_from([48.9, 1e300, -1e300, 1e39, 3.4028235677973366e38, 1e-46, -0.0]),
)
TEXTS = st.one_of(
    st.sampled_from([*MISSING, " NA", "\tnull ", "   ", "None", "none", "na", "true", "1e400"]),
    st.sampled_from(["007", "+4930123", "0x1F", "1,5", "1_0", "٣", "-inf", "Infinity", "nan(1)"]),
    _NUMBERS.map(str),
    st.text(st.sampled_from("0123456789+-.eE naN/\t"), max_size=7),
    st.text(st.characters(codec="utf-8", exclude_characters="\0\r"), max_size=12),
    st.text(string.ascii_letters + string.digits + " ", max_size=40),
)
VALUES = st.one_of(st.none(), st.booleans(), _NUMBERS, TEXTS)
CELLS = st.tuples(st.sampled_from(list(KINDS)), VALUES)


class Asked:
    """A version that notes the inputs of its signatures; what it answers doesn't matter."""

    def __init__(self, folder: Path) -> None:
        self.number = 1
        self.threshold = None
        made = folder / "1"
        (made / CARD).parent.mkdir(parents=True)
        (made / "saved_model.pb").touch()
        card = {"problem": {"columns": KINDS, "task": "regression", "label": "wear"}}
        (made / CARD).write_text(json.dumps(card))
        self.version = find(folder, 1)
        answer = {"prediction": Tensor("p:0", np.dtype(np.float32), (None,))}
        columns = {name: Tensor(name, SENT[kind], (None,)) for name, kind in KINDS.items()}
        examples = {"inputs": Tensor("inputs:0", np.dtype(object), (None,))}
        names = {name: name for name in KINDS}
        method = "tensorflow/serving/regress"
        self.signatures = {
            "serving_default": Signature("serving_default", "", columns, answer, names, None),
            "regress": Signature(
                "regress", method, examples, {"outputs": answer["prediction"]}, {}, None
            ),
        }
        self.inputs: NamedArrays = {}

    def run(self, name: str, inputs: NamedArrays) -> NamedArrays:
        self.inputs = inputs
        rows = len(next(iter(inputs.values())))
        output = next(iter(self.signatures[name].outputs))
        return {output: np.zeros(rows, np.float32)}


class Ways:
    """All ways in, over one folder."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self.model = Asked(folder / "line")
        sampling = Sampling(key="cell")
        self.options = Options(
            "line", folder / "line", requests=folder / "requests", sampling=sampling
        )
        self.served = ServedVersions(self.options)
        metrics = ServerMetrics(self.served)
        self.parsing = Parsing()
        self.predict = Predict(self.options, self.served, metrics, self.parsing)
        self.classify = Classify(self.options, self.served, metrics, self.parsing)
        self.rows = RowParser(self.options, metrics)
        self.infer = Infer(self.options, self.served, metrics, self.parsing)
        self.sampler = self.predict.sampler = self.classify.sampler = Sampler(self.options)
        self.infer.sampler = self.sampler
        self.database = folder / "cells.db"
        monkeypatch.setenv("BELTLINE_DATABASE", f"sqlite:///{self.database}")
        self.loop = asyncio.new_event_loop()

    def close(self) -> None:
        self.sampler.close()
        self.parsing.close()
        self.served.close()
        self.loop.close()

    def meanings(self, column: str, value: Any, key: str) -> Meanings:
        """What a value means to each of them but the samples, which come at the end."""
        kind = KINDS[column]
        return {
            "CSV": self._read(self._csv(column, value), column, kind),
            "Parquet": self._read(self._parquet(column, value), column, kind),
            "SQL": self._read(self._sql(column, value), column, kind),
            "predict": self._asked_by_column(column, value, f"p{key}"),
            "classify": self._asked_by_example(column, value, f"c{key}"),
            "gRPC": self._asked_over_grpc(column, value, f"g{key}"),
            "infer": self._asked_by_tensor(column, value, f"i{key}", binary=False),
            "infer in binary": self._asked_by_tensor(column, value, f"b{key}", binary=True),
        }

    def sampled(self) -> dict[str, dict[str, Any]]:
        """The sampled rows by their keys."""
        self.sampler.close()
        assert self.sampler.dropped == 0
        rows = [row for file in self.folder.glob("requests/Split-v1/*.gz") for row in rows_of(file)]
        return {row["beltline:key"][0].decode(): row for row in rows}

    def _csv(self, column: str, value: Any) -> Path:
        file = self.folder / "cells.csv"
        written = pa.table({"id": ["1"], column: pa.array([value]).cast(pa.string())})
        pyarrow.csv.write_csv(written, file)
        return file

    def _parquet(self, column: str, value: Any) -> Path:
        file = self.folder / "cells.parquet"
        pq.write_table(pa.table({column: pa.array([value])}), file)
        return file

    def _sql(self, column: str, value: Any) -> tables.Query:
        with closing(sqlite3.connect(self.database)) as connection, connection:
            connection.execute("DROP TABLE IF EXISTS cells")
            connection.execute(f"CREATE TABLE cells ({column})")
            # It has no booleans.
            known = {True: "true", False: "false"} if isinstance(value, bool) else {}
            connection.execute("INSERT INTO cells VALUES (?)", [known.get(value, value)])
        return tables.Query(f"SELECT {column} FROM cells")

    def _read(self, table: tables.Table, column: str, kind: tables.Kind) -> Any:
        try:
            [unit] = tables.units([table])
            [block] = unit.blocks([column])
            batch, _ = tables.typed("", block, {column: kind})
            tables.check_ranges("", block, batch, {column: kind})
        except WrongInput:
            return REFUSED
        return _of_example(encoded(batch)[0], column)

    def _asked_by_column(self, column: str, value: Any, key: str) -> Any:
        row = {**dict.fromkeys(KINDS), column: value, "cell": key}
        body = json.dumps({"instances": [row]}).encode()
        try:
            self.loop.run_until_complete(self.predict.respond(self.model, body))
        except HttpError as error:
            assert error.status == 400
            assert f"element: 0 key: {column} of 'instances'" in str(error)
            return REFUSED
        return self._asked(column)

    def _asked_over_grpc(self, column: str, value: Any, key: str) -> Any:
        request = PredictRequest()
        for name, each in {**dict.fromkeys(KINDS), column: value, "cell": key}.items():
            request.inputs[name].CopyFrom(to_proto(_typed(each)))
        # As a client's request arrives.
        sent = PredictRequest.FromString(request.SerializeToString())
        tensors = {name: ProtoTensor(proto) for name, proto in sent.inputs.items()}
        signature = self.model.signatures["serving_default"]
        try:
            rows = self.rows.from_tensors(self.model, signature, tensors)
        except HttpError as error:
            assert f"key: {column} row: 0" in str(error)
            return REFUSED
        outputs = self.model.run("serving_default", rows.inputs)
        sample(self.sampler, self.model, signature, rows, outputs)
        return _of_column(rows.inputs[column])

    def _asked_by_example(self, column: str, value: Any, key: str) -> Any:
        row = {**dict.fromkeys(KINDS), column: value, "cell": key}
        body = json.dumps({"examples": [row]}).encode()
        try:
            self.loop.run_until_complete(self.classify.respond(self.model, "regress", body))
        except HttpError as error:
            assert f"element: 0 key: {column} of 'examples'" in str(error)
            return REFUSED
        return _of_example(self.model.inputs["inputs"][0], column)

    def _asked_by_tensor(self, column: str, value: Any, key: str, binary: bool) -> Any:
        row = {**dict.fromkeys(KINDS), column: value, "cell": key}
        tensors = [_tensor(name, each, binary) for name, each in row.items()]
        text = json.dumps({"inputs": [tensor for tensor, _ in tensors]}).encode()
        body = b"".join([text, *(data for _, data in tensors)])
        headers = [(JSON_LENGTH, str(len(text)).encode())]
        try:
            self.loop.run_until_complete(self.infer.respond(self.model, body, headers))
        except HttpError as error:
            assert error.status == 400
            assert f"key: {column} row: 0 of 'inputs'" in str(error)
            return REFUSED
        return self._asked(column)

    def _asked(self, column: str) -> Any:
        return _of_column(self.model.inputs[column])


def _tensor(name: str, value: Any, binary: bool) -> tuple[dict[str, Any], bytes]:
    """The input of a request with one row, and its binary data."""
    datatypes = {bool: "BOOL", int: "INT64", str: "BYTES"}
    tensor = {"name": name, "shape": [1], "datatype": datatypes.get(type(value), "FP64")}
    if not binary:
        return tensor | {"data": [value]}, b""
    sent = math.nan if value is None else value
    data = to_bytes(np.array([sent], DATATYPES[tensor["datatype"]]))
    return tensor | {"parameters": {"binary_data_size": len(data)}}, data


def _typed(value: Any) -> np.ndarray:
    """A value as an array `[1]`, of the type that it has in a client's program."""
    if value is None:
        return np.array([math.nan])
    if isinstance(value, str):
        return np.array([value.encode()], object)
    return np.array([value])


def _of_column(values: np.ndarray) -> Any:
    [found] = values.tolist()
    return None if found == b"" or (isinstance(found, float) and math.isnan(found)) else found


def _of_example(serialized: bytes, column: str) -> Any:
    feature = Example.FromString(serialized).features.feature[column]
    kind = feature.WhichOneof("kind")
    values = list(getattr(feature, kind).value) if kind else []
    return _single(values)


def _single(values: list[Any]) -> Any:
    assert len(values) <= 1
    return values[0] if values else None


@pytest.fixture
def ways(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Ways]:
    found = Ways(tmp_path, monkeypatch)
    yield found
    found.close()


def check(ways: Ways, number: int) -> None:
    """Sends so many generated values through all ways."""
    sent: dict[str, tuple[str, Any, Any]] = {}

    @settings(max_examples=number, deadline=None, database=None)
    @given(CELLS)
    def send(cell: tuple[str, Any]) -> None:
        column, value = cell
        key = str(len(sent))
        meanings = ways.meanings(column, value, key)
        [first, *others] = meanings.values()
        assert all(other == first for other in others), f"{column} {value!r}: {meanings}"
        sent[key] = column, value, first

    send()
    assert len(sent) >= number
    assert {True, False} == {meaning == REFUSED for _, _, meaning in sent.values()}
    sampled = ways.sampled()
    for key, (column, value, meaning) in sent.items():
        for way in "pcgib":
            row = sampled.get(f"{way}{key}")
            found = REFUSED if row is None else _single(row[column])
            assert found == meaning, f"{column} {value!r}: {found!r} in the samples, not {meaning}"


def test_a_value_means_the_same_whichever_way_it_comes_in(ways: Ways) -> None:
    check(ways, 200)


@pytest.mark.slow
@pytest.mark.long
def test_ten_thousand_values_mean_the_same_whichever_way_they_come_in(ways: Ways) -> None:
    check(ways, 10_000)


@pytest.mark.parametrize(
    ("column", "value", "meaning"),
    [
        ("mold", "NA", None),
        ("mold", " n/a ", None),
        ("heat", "null", None),
        ("heat", "201.5", 201.5),
        ("heat", 1e39, REFUSED),
        ("count", 48.0, 48),
        ("count", 48.9, REFUSED),
        ("count", 1e300, REFUSED),
        ("count", -1e300, REFUSED),
        ("count", 2**53, REFUSED),
        ("mold", 7, b"7"),
    ],
)
def test_values(ways: Ways, column: str, value: Any, meaning: Any) -> None:
    assert set(ways.meanings(column, value, "0").values()) == {meaning}
