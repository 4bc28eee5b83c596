"""Examples as rows and rows as Examples."""

import math

import numpy as np
import pytest
import tensorflow as tf

from beltline.serving.rest.examples import json_rows, parsed_rows, repeated_bytes, serialized
from beltline.serving.rest.responses import HttpError

KINDS = {"heat": "number", "count": "integer", "mold": "text"}


def test_rows_as_example_gen_writes_them():
    columns = {
        "heat": np.array([201.5, math.nan], np.float32),
        "count": np.array([3.0, math.nan]),
        "mold": np.array([b"M1", b""], object),
    }
    full, empty = map(tf.train.Example.FromString, serialized(columns, KINDS))
    assert full.features.feature["heat"].float_list.value[:] == [201.5]
    assert full.features.feature["count"].int64_list.value[:] == [3]
    assert full.features.feature["mold"].bytes_list.value[:] == [b"M1"]
    assert {name: f.WhichOneof("kind") for name, f in empty.features.feature.items()} == (
        dict.fromkeys(KINDS)
    )
    rows = parsed_rows(serialized(columns, KINDS))
    assert rows == [{"heat": 201.5, "count": 3, "mold": "M1"}, dict.fromkeys(KINDS)]


def test_the_context_is_part_of_every_row():
    document = {"context": {"a": 1, "b": 2}, "examples": [{"b": [3]}, {"c": []}]}
    assert json_rows(document) == [{"a": 1, "b": 3}, {"a": 1, "b": 2, "c": None}]


def test_several_values_of_a_column():
    with pytest.raises(HttpError, match='element: 1 key: "a": it has 2 values') as caught:
        json_rows({"examples": [{}, {"a": [1, 2]}]})
    assert caught.value.status == 400


@pytest.mark.parametrize(
    ("context", "size"),
    [
        ({"heat": 1.5, "mold": None}, 4 + 8 + 4 + 8),
        ({"mold": "a" * 100}, 4 + 100),
        ({"mold": ["a" * 100, "b" * 50, 7]}, 4 + 158),
        ({"mold": {"b64": "YWFh"}}, 4 + 4),
        ({}, 0),
        ([], 0),
    ],
)
def test_a_context_takes_its_size_once_for_each_example(context, size):
    assert repeated_bytes({"context": context, "examples": [{}] * 30}) == 30 * size
    assert repeated_bytes({"examples": [{}] * 30}) == 0
