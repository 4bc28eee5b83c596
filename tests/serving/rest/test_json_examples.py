"""Examples for a version that Beltline didn't push: TensorFlow Serving's rules alone."""

import pytest
import tensorflow as tf

from beltline.serving.rest.json_examples import serialized
from beltline.serving.rest.responses import HttpError


def test_the_way_a_value_is_written_says_its_type():
    given = {"whole": 1, "flag": True, "part": 1.5, "text": ["a", {"b64": "/w=="}], "none": []}
    [found] = serialized({"examples": [given], "context": {"whole": [7, 8], "more": 2}})
    features = tf.train.Example.FromString(found).features.feature
    assert features["whole"].int64_list.value[:] == [1]
    assert features["more"].int64_list.value[:] == [2]
    assert features["flag"].int64_list.value[:] == [1]
    assert features["part"].float_list.value[:] == [1.5]
    assert features["text"].bytes_list.value[:] == [b"a", b"\xff"]
    assert features["none"].WhichOneof("kind") is None


@pytest.mark.parametrize(
    ("value", "why"),
    [
        (None, "Feature: a has element with unexpected JSON type: Null"),
        ([[1]], "unexpected JSON type: Array"),
        ({"b": 1}, "unexpected JSON type: Object"),
        ([1, "a"], "Unexpected element type in feature: a expecting type: int64"),
        (1e39, "to float without loss of precision"),
        (2**63, "Only int64 is supported"),
        ({"b64": "*"}, "Unable to base64 decode"),
        ("\ud800", "half of a surrogate pair"),
    ],
)
def test_invalid_values(value, why):
    with pytest.raises(HttpError) as caught:
        serialized({"examples": [{"a": value}]})
    assert why in str(caught.value)
