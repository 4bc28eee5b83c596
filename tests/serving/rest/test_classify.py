import math

import pytest

from tests.serving.rest.test_predict import refused

pytestmark = pytest.mark.slow

EXAMPLE = {"temp": 0.5, "die temp": -1, "mold": "M1"}
P = 1 / (1 + math.exp(0.5))


def results(answer):
    assert answer.status_code == 200, answer.text
    assert answer.json()["version"] == "1"
    return answer.json()["results"]


def test_classify(server):
    [first, second] = results(server.ask({"examples": [EXAMPLE, EXAMPLE]}, ":classify"))
    assert first == second == [["ok", pytest.approx(1 - P)], ["scrap", pytest.approx(P)]]


def test_regress(server):
    asked = {"examples": [EXAMPLE, EXAMPLE | {"temp": 3}], "signature_name": "regress"}
    assert results(server.ask(asked, ":regress")) == [-0.5, 2.0]
    assert results(server.ask(asked, "/versions/1:regress")) == [-0.5, 2.0]


def test_the_context_is_part_of_every_example(server):
    asked = {"context": {"die temp": 4}, "examples": [{"temp": 1.0}, {"temp": [2]}]}
    assert results(server.ask(asked, ":regress")) == [5.0, 6.0]


@pytest.mark.parametrize(
    "example",
    [
        # What the version says of a column decides, not how a number is written.
        {"temp": 2, "die temp": 1.0},
        {"temp": 2.0, "die temp": 1, "mold": None},
        {"temp": 2, "die temp": 1, "mold": {"b64": "/w=="}},
        # A feature that the model doesn't read is none of its concern.
        {"temp": 2, "die temp": 1, "other": [1, 2], "flag": True, "note": "x", "part": 1.5},
        {"temp": [2], "die temp": [1], "": 1},
    ],
)
def test_values(server, example):
    assert results(server.ask({"examples": [example]}, ":regress")) == [3.0]


@pytest.mark.parametrize(
    ("document", "why"),
    [
        ({}, "key 'examples' is expected and was not found"),
        ({"examples": [EXAMPLE], "contxt": {}}, "did you mean 'context'?"),
        ({"examples": {}}, "Expecting 'examples' value to be an list/array"),
        ({"examples": []}, "'examples' value is an empty array"),
        ({"examples": [1]}, "Example must be JSON object but got JSON Number"),
        ({"examples": [{}], "context": []}, "Example must be JSON object but got JSON Array"),
        ({"examples": [{}] * 201}, "has 201 rows; at most 200"),
        ({"examples": [{"temp": "x"}]}, "Unexpected element type in feature: temp"),
        ({"examples": [{"temp": True}]}, "Unexpected element type in feature: temp"),
        ({"examples": [{"temp": 1e39}]}, "to float without loss of precision"),
        ({"examples": [{"temp": 10**400}]}, "JSON"),
        ({"examples": [{"die temp": 1.5}]}, "Unexpected element type in feature: die temp"),
        ({"examples": [{"die temp": 2**63}]}, "Only int64 is supported"),
        ({"examples": [{"die temp": 1e30}]}, "Only int64 is supported"),
        ({"examples": [{"mold": 1}]}, "Unexpected element type in feature: mold"),
        ({"examples": [{"mold": {"b64": "*"}}]}, "Unable to base64 decode"),
        ({"examples": [{"mold": {"b": "*"}}]}, "has element with unexpected JSON type: Object"),
        ({"examples": [{"mold": [["a"]]}]}, "has element with unexpected JSON type: Array"),
        ({"examples": [{"other": None}]}, "has element with unexpected JSON type: Null"),
        ({"examples": [{"other": [1, "a"]}]}, "Unexpected element type in feature: other"),
        # The model refuses what the rules allow.
        ({"examples": [{"temp": [1, 2]}]}, "temp"),
    ],
)
def test_invalid_requests(server, document, why):
    for path in (":classify", ":regress"):
        assert why in refused(server.ask(document, path))


@pytest.mark.parametrize(
    ("path", "name", "why"),
    [
        (
            ":classify",
            "serving_default",
            "Expected classification signature method_name to be tensorflow/serving/classify. "
            "Was: tensorflow/serving/predict",
        ),
        (":regress", "classify", "Expected regression signature method_name to be"),
        (":classify", "x", "No signature was found with the name: x"),
    ],
)
def test_signatures_of_another_method(server, path, name, why):
    asked = {"examples": [EXAMPLE], "signature_name": name}
    assert why in refused(server.ask(asked, path))


def test_half_of_a_surrogate_pair(server):
    for body in (
        b'{"examples": [{"mold": "\\ud800", "temp": NaN}]}',
        b'{"examples": [{"\\ud800": NaN}]}',
    ):
        assert refused(server.ask(body, ":classify"))
