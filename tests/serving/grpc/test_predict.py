"""Predict, with TensorFlow Serving's own stub as the client."""

import math
import re

import numpy as np
import pytest
import tensorflow as tf

from tests.serving.examples_made import example
from tests.serving.grpc.asking import ROW, columns, refused, values
from tests.serving.rest.test_predict import ROW as JSON_ROW
from tests.serving.rest.test_predict import P, ignored

pytestmark = pytest.mark.slow


def row(**changed):
    return columns(ROW | {name.replace("_", " "): value for name, value in changed.items()})


def test_rows(client):
    two = {name: np.repeat(column, 2) for name, column in ROW.items()}
    response = client.predict(columns(two | {"mold": ["a", "é"]}))
    assert values(response) == {
        "class": [b"a", "é".encode()],
        "probability": pytest.approx([P, P], rel=1e-6),
    }
    spec = response.model_spec
    assert (spec.name, spec.version.value, spec.signature_name) == ("line", 1, "serving_default")
    assert response.outputs["probability"].dtype == tf.float32.as_datatype_enum


def test_the_answers_are_those_of_rest(client, server):
    temps = [0.1, -3.5, 1e-9, 88.25]
    asked = {"temp": np.array(temps, np.float32), "die temp": [7] * 4, "mold": ["M1"] * 4}
    rows = [JSON_ROW | {"temp": temp, "die temp": 7} for temp in temps]
    over_rest = server.ask({"instances": rows}).json()["predictions"]
    found = values(client.predict(columns(asked)))["probability"]
    assert [np.float32(each["probability"]) for each in over_rest] == [*np.float32(found)]


def test_a_column_of_its_own_dimension(client):
    """As models that TFX exports take it."""
    lists = {name: column.reshape(1, 1) for name, column in ROW.items()}
    assert values(client.predict(columns(lists))) == values(client.predict(columns()))


@pytest.mark.parametrize(
    "temp",
    [
        np.array([0.5], np.float64),
        np.array([0.5], np.float16),
        ["0.5"],
        [" 0.50 "],
    ],
)
def test_a_number_of_another_type(client, temp):
    assert values(client.predict(row(temp=temp)))["probability"] == pytest.approx([P])


@pytest.mark.parametrize("kind", [np.int8, np.int16, np.int32, np.int64, np.float32, np.float64])
def test_a_whole_number_of_another_type(client, kind):
    assert values(client.predict(row(die_temp=np.array([-1], kind))))["probability"] == (
        pytest.approx([P])
    )


@pytest.mark.parametrize(
    ("mold", "text"),
    [
        (np.array([0.1], np.float32), b"0.1"),
        (np.array([7], np.int64), b"7"),
        (np.array([True]), b"true"),
        ([b"\xff"], b"\xff"),
        (["NA"], b""),
        ([math.nan], b""),
    ],
)
def test_a_text(client, mold, text):
    assert values(client.predict(row(mold=mold)))["class"] == [text]


@pytest.mark.parametrize(
    ("column", "value", "why"),
    [
        ("die_temp", np.array([48.9]), "key: die temp row: 0 .* 48.9 is not a whole number"),
        ("die_temp", np.array([1e300]), "beyond"),
        ("die_temp", [2**53], "beyond ±9007199254740991"),
        ("die_temp", ["007"], "'007' is not a whole number"),
        ("die_temp", [True], "'true' is not a whole number"),
        ("temp", np.array([1e39]), "beyond the range of 32-bit floats"),
        ("temp", ["hot"], "'hot' is not a number"),
        ("temp", 0.5, r"Expecting shape \[\?\] or \[\?,1\] but got: \[\]"),
        ("temp", [[0.5, 0.5]], "Expecting shape"),
        ("temp", [0.5, 0.5], "differ in length"),
        ("temp", np.array([1j], np.complex64), "DT_COMPLEX64 can't be an input"),
    ],
)
def test_a_value_that_a_table_refuses(client, column, value, why):
    assert re.search(why, refused(lambda: client.predict(row(**{column: value}))))


@pytest.mark.parametrize("missing", [math.nan, "NA", " null ", ""])
def test_what_a_table_reads_as_missing_is_missing(client, missing):
    given = {name: [missing] for name in ROW}
    assert values(client.predict(columns(given))) == {"class": [b""], "probability": [0.5]}


def test_a_missing_and_a_misspelt_column(client):
    without = {name: column for name, column in ROW.items() if name != "temp"}
    assert refused(lambda: client.predict(columns(without))) == "missing inputs: temp"
    why = refused(lambda: client.predict(columns(ROW | {"tmep": [1.0]})))
    assert why == "the signature has no input tmep; did you mean 'temp'?"
    why = refused(lambda: client.predict(columns(ROW | {"die_temp": [1]})))
    assert "given twice" in why


def test_the_inputs_own_names(client):
    """As TensorFlow Serving requires them."""
    named = {"temp": ROW["temp"], "die_temp": ROW["die temp"], "mold": ROW["mold"]}
    assert values(client.predict(columns(named)))["class"] == [b"M1"]


def test_columns_that_the_model_does_not_read_are_ignored_and_counted(client, server):
    before = ignored(server)
    whole = ROW | {"cast_at": ["2026-11-23"], "scrap": ["ok"], "part": ["p7"]}
    assert values(client.predict(columns(whole))) == values(client.predict(columns()))
    assert ignored(server) == before + 2


def test_versions_and_labels(client):
    for spec in ({"version": 1}, {"label": "live"}):
        assert client.predict(columns(**spec)).model_spec.version.value == 1
    why = refused(lambda: client.predict(columns(version=9)), "NOT_FOUND")
    assert why == "Servable not found for request: Specific(line, 9)"
    why = refused(lambda: client.predict(columns(name="other")), "NOT_FOUND")
    assert why == "Servable not found for request: Latest(other)"
    why = refused(lambda: client.predict(columns(label="previous")))
    assert why == "Unrecognized servable version label: previous"


def test_a_signature(client):
    asked = columns({"x": np.array([1, 2], np.float32)}, signature="single")
    assert values(client.predict(asked)) == {"y": [2.5, 3.0]}
    asked = columns({"x": np.array([[1, 2], [3, 4]], np.int32)}, signature="matrix")
    assert values(client.predict(asked)) == {"y": [[2, 4], [6, 8]], "sum": [3, 7]}
    why = refused(lambda: client.predict(columns(signature="x")), "FAILED_PRECONDITION")
    assert why == 'Serving signature key "x" not found.'


def test_an_input_that_is_no_column_has_its_type_and_shape(client):
    asked = columns({"x": np.array([[1, 2]], np.int64)}, signature="matrix")
    assert "Expected to be int32 but int64 is provided" in refused(lambda: client.predict(asked))
    asked = columns({"x": np.array([[1, 2, 3]], np.int32)}, signature="matrix")
    assert "Expecting shape [?,2] but got: [1,3]" in refused(lambda: client.predict(asked))


def test_bytes(client):
    asked = columns({"image_bytes": [b"\xff\xd8", b"abc"]}, signature="picture")
    assert values(client.predict(asked)) == {
        "image_bytes": [b"\xff\xd8", b"abc"],
        "length": [2, 3],
    }


def test_serialized_examples(client):
    given = [example(temp=0.5, die_temp=-1, mold=mold).SerializeToString() for mold in "ab"]
    found = values(client.predict(columns({"examples": given}, signature="examples")))
    assert found == {"class": [b"a", b"b"], "probability": pytest.approx([P, P])}
    lacking = [example(temp=0.5, die_temp=-1).SerializeToString()]
    asked = columns({"examples": lacking}, signature="examples")
    assert "missing: mold" in refused(lambda: client.predict(asked))
    asked = columns({"examples": [b"\xff"]}, signature="examples")
    assert "it is no serialized tf.Example" in refused(lambda: client.predict(asked))


def test_an_output_filter(client):
    asked = columns()
    asked.output_filter.append("class")
    assert values(client.predict(asked)) == {"class": [b"M1"]}
    asked.output_filter.append("class")
    assert "duplicate output tensor alias: class" in refused(lambda: client.predict(asked))
    asked.output_filter[1] = "x"
    assert "alias not found in signature" in refused(lambda: client.predict(asked))


def test_too_many_rows(client):
    many = {name: np.repeat(column, 201) for name, column in ROW.items()}
    assert "has 201 rows; at most 200" in refused(lambda: client.predict(columns(many)))
