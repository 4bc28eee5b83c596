import numpy as np
import pyarrow as pa
import pytest
import tensorflow as tf

from beltline.pipeline.tables.examples import encoded


def columns(rows, different):
    """Columns of each kind with `different` values and some missing ones."""
    numbers = [None if row % 7 == 3 else row % different for row in range(rows)]
    return {
        "integer": pa.array(numbers, pa.int64()),
        "number": pa.array([None if n is None else n / 7 for n in numbers], pa.float64()),
        "text, ä": pa.array([None if n is None else f"ä{n}" * (n % 50) for n in numbers]),
        "empty": pa.array([None] * rows, pa.string()),
        "whole": pa.array(range(rows), pa.int64()),
    }


@pytest.mark.parametrize(("rows", "different"), [(1, 1), (100, 3), (5000, 5), (5000, 4999)])
def test_each_example_holds_the_values_of_its_row(rows, different):
    table = columns(rows, different)
    records = encoded(pa.RecordBatch.from_pydict(table))
    assert len(records) == rows
    for row, record in enumerate(records):
        features = tf.train.Example.FromString(record).features.feature
        assert set(features) == set(table)
        got = {name: tuple(each.int64_list.value) for name, each in features.items()}
        floats = tuple(features["number"].float_list.value)
        text = tuple(features["text, ä"].bytes_list.value)
        values = {name: column[row].as_py() for name, column in table.items()}
        assert got["integer"] == (() if values["integer"] is None else (values["integer"],))
        assert got["whole"] == (row,)
        number = values["number"]
        assert floats == (() if number is None else (float(np.float32(number)),))
        assert text == (() if number is None else (values["text, ä"].encode(),))
        assert features["empty"].WhichOneof("kind") is None


def test_tensorflow_parses_what_is_put_together_from_parts():
    table = columns(3000, 3)
    records = encoded(pa.RecordBatch.from_pydict(table))
    spec = {
        "integer": tf.io.FixedLenFeature([], tf.int64, -1),
        "number": tf.io.FixedLenFeature([], tf.float32, -1.0),
        "whole": tf.io.FixedLenFeature([], tf.int64),
        "text, ä": tf.io.FixedLenFeature([], tf.string, "missing"),
    }
    parsed = tf.io.parse_example(records.tolist(), spec)
    assert parsed["whole"].numpy().tolist() == list(range(3000))
    assert parsed["integer"].numpy().tolist() == table["integer"].fill_null(-1).to_pylist()
    texts = [text.decode() for text in parsed["text, ä"].numpy()]
    assert texts == table["text, ä"].fill_null("missing").to_pylist()


def test_zeros_keep_their_sign():
    batch = pa.RecordBatch.from_pydict({"x": [0.0, -0.0, 0.0, -0.0, 0.0, 0.0, 0.0, 0.0] * 2})
    values = [
        tf.train.Example.FromString(record).features.feature["x"].float_list.value[0]
        for record in encoded(batch)
    ]
    assert [bool(np.signbit(value)) for value in values[:4]] == [False, True, False, True]


def test_the_same_rows_have_the_same_bytes():
    batch = pa.RecordBatch.from_pydict(columns(2000, 3))
    assert encoded(batch).tolist() == encoded(batch).tolist()
    assert encoded(batch.slice(0, 0)).tolist() == []
