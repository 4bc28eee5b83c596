import base64
import gzip
import json
import math
import re

import pytest
import requests

from tests.serving.examples_made import example

pytestmark = pytest.mark.slow

ROW = {"temp": 0.5, "die temp": -1, "mold": "M1"}
P = 1 / (1 + math.exp(0.5))


def predictions(answer):
    assert answer.status_code == 200, answer.text
    return answer.json()["predictions"]


def refused(answer, status=400):
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/json"
    [(name, why)] = answer.json().items()
    assert name == "error"
    return why


def test_rows(server):
    answer = server.ask({"instances": [ROW, ROW | {"mold": "é"}]})
    first, second = predictions(answer)
    assert first == {"class": "M1", "probability": pytest.approx(P, rel=1e-6)}
    assert second["class"] == "é"
    assert answer.json()["version"] == "1"
    assert answer.headers["content-type"] == "application/json"


def test_columns(server):
    columns = {"temp": [0.5, 0.5], "die_temp": [-1, -1], "mold": ["a", "b"]}
    answer = server.ask({"inputs": columns, "signature_name": "serving_default"}).json()
    assert answer["outputs"]["class"] == ["a", "b"]
    assert answer["outputs"]["probability"] == pytest.approx([P, P])


@pytest.mark.parametrize("temp", ["null", "NaN"])
def test_a_missing_value(server, temp):
    body = '{"instances": [{"temp": -0.5, "die temp": X, "mold": X}]}'.replace("X", temp)
    assert predictions(server.ask(body.encode())) == [
        {"class": "", "probability": pytest.approx(P, rel=1e-6)}
    ]


def test_nan_and_infinity(server):
    answer = server.ask(b'{"signature_name": "single", "instances": [NaN, -Infinity, 1e39, 1]}')
    assert "1e+39 to float without loss of precision" in refused(answer)
    answer = server.ask(b'{"signature_name": "single", "instances": [NaN, -Infinity, null, 1]}')
    assert answer.content == b'{"predictions": [NaN, -Infinity, NaN, 2.5], "version": "1"}'


def test_a_single_input_and_output_are_plain_values(server):
    asked = {"signature_name": "single"}
    assert predictions(server.ask(asked | {"instances": [1, 2.0]})) == [2.5, 3.0]
    assert predictions(server.ask(asked | {"instances": [{"x": 5.0}]})) == [4.5]
    assert server.ask(asked | {"inputs": [1.0]}).json()["outputs"] == [2.5]
    assert server.ask(asked | {"inputs": {"x": [1.0]}}).json()["outputs"] == [2.5]


def test_lists(server):
    asked = {"signature_name": "matrix", "instances": [{"x": [1, 2]}, {"x": [3, 4]}]}
    assert predictions(server.ask(asked)) == [{"sum": 3, "y": [2, 4]}, {"sum": 7, "y": [6, 8]}]
    assert "Expecting shape" in refused(server.ask(asked | {"instances": [[1, 2, 3]]}))


def test_bytes(server):
    asked = {"signature_name": "picture", "instances": [{"b64": "/9g="}, "abc"]}
    assert predictions(server.ask(asked)) == [
        {"image_bytes": {"b64": "/9g="}, "length": 2},
        {"image_bytes": {"b64": "YWJj"}, "length": 3},
    ]


def test_versions_and_labels(server):
    for path in ("/versions/1", "/labels/live"):
        assert predictions(server.ask({"instances": [ROW]}, f"{path}:predict"))
    why = refused(server.ask({"instances": [ROW]}, "/versions/9:predict"), 404)
    assert why == "Servable not found for request: Specific(line, 9)"
    for label in ("previous", "x"):
        why = refused(server.ask({"instances": [ROW]}, f"/labels/{label}:predict"))
        assert why == f"Unrecognized servable version label: {label}"
    other = requests.post(f"{server.address}/v1/models/other:predict", json={}, timeout=20)
    assert refused(other, 404) == "Servable not found for request: Latest(other)"


@pytest.mark.parametrize("missing", ["NA", " null ", "", None])
def test_a_text_that_a_table_reads_as_missing_is_missing(server, missing):
    row = {"temp": missing, "die temp": missing, "mold": missing}
    assert predictions(server.ask({"instances": [row]})) == [{"class": "", "probability": 0.5}]


def test_the_row_of_a_table_as_it_is(server):
    before = ignored(server)
    row = ROW | {"cast_at": "2026-11-23T06:03:46", "scrap": "ok", "part": "p7"}
    assert predictions(server.ask({"instances": [row, row]})) == predictions(
        server.ask({"instances": [ROW, ROW]})
    )
    assert predictions(server.ask({"instances": [row, ROW | {"scrap": None}]}))
    assert server.ask({"inputs": {name: [value] for name, value in row.items()}}).json()["outputs"]
    assert ignored(server) == before + 2 * 2 + 3 + 2
    why = refused(server.ask({"instances": [row | {"cats_at": 1}]}))
    assert "does not have named input: cats_at; did you mean 'cast_at'?" in why
    # The first row's names are not everybody's.
    assert "key: x of" in refused(server.ask({"instances": [row, ROW | {"x": 1, "scrap": ""}]}))


def ignored(server):
    page = server.look("/metrics").text
    found = re.search(r'beltline_ignored_values_total\{known="true"\} (\S+)', page)
    return float(found[1]) if found else 0


def serialized(**features):
    """An Example, as JSON has bytes."""
    encoded = example(**features).SerializeToString()
    return {"b64": base64.b64encode(encoded).decode()}


def test_serialized_examples(server):
    asked = {"signature_name": "examples"}
    given = [
        serialized(temp=0.5, die_temp=-1, mold="M1"),
        # By the same rules as a row's values.
        serialized(temp="0.5", die_temp=-1.0, mold="NA"),
        serialized(temp=[], die_temp=[], mold=[]),
    ]
    found = predictions(server.ask(asked | {"instances": given}))
    assert found == [
        {"class": "M1", "probability": pytest.approx(P)},
        {"class": "", "probability": pytest.approx(P)},
        {"class": "", "probability": 0.5},
    ]
    assert server.ask(asked | {"inputs": given}).json()["outputs"]["class"] == ["M1", "", ""]


@pytest.mark.parametrize(
    ("features", "why"),
    [
        ({}, "missing: die temp,mold,temp"),
        ({"temp": 1.0, "mold": "a"}, "missing: die temp"),
        ({"tmep": 1.0, "temp": 1.0, "mold": "a", "die_temp": 1}, "did you mean 'temp'?"),
        ({"temp": [1.0, 2.0], "mold": "a", "die_temp": 1}, "it has 2 values"),
        ({"temp": 1.0, "mold": "a", "die_temp": 48.9}, "is not a whole number"),
        ({"temp": "hot", "mold": "a", "die_temp": 1}, "'hot' is not a number"),
    ],
)
def test_invalid_serialized_examples(server, features, why):
    given = [serialized(temp=0.5, die_temp=-1, mold="M1"), serialized(**features)]
    refusal = refused(server.ask({"signature_name": "examples", "instances": given}))
    assert why in refusal
    assert "element: 1" in refusal


def test_bytes_that_are_no_example(server):
    asked = {"signature_name": "examples", "instances": [{"b64": "/w=="}]}
    assert "element: 0: it is no serialized tf.Example" in refused(server.ask(asked))


def test_a_row_key_is_not_an_input(server):
    assert predictions(server.ask({"instances": [ROW | {"part": "p7"}, ROW]}))


@pytest.mark.parametrize(
    ("document", "why"),
    [
        ({}, "Missing 'inputs' or 'instances' key"),
        ({"instnaces": [ROW]}, "did you mean 'instances'?"),
        ({"instances": [ROW], "signature_nme": "single"}, "did you mean 'signature_name'?"),
        ({"instances": [ROW], "part": "p1"}, 'unknown property "part" in the request'),
        ({"instances": [ROW], "inputs": {}}, "only one of 'inputs' or 'instances'"),
        ({"instances": []}, "No values in 'instances' array"),
        ({"instances": [ROW], "signature_name": 1}, "'signature_name' key must be a string"),
        (
            {"instances": [ROW], "signature_name": "x"},
            'Serving signature name: "x" not found in signature def',
        ),
        ({"instances": [ROW] * 201}, "has 201 rows; at most 200"),
        ({"inputs": {"temp": [1] * 201, "die temp": [1] * 201, "mold": [""] * 201}}, "201 rows"),
        ({"instances": [ROW | {"tmep": 1}]}, "did you mean 'temp'?"),
        ({"instances": [{"temp": 1}]}, "missing: die temp,mold"),
    ],
)
def test_invalid_requests(server, document, why):
    assert why in refused(server.ask(document))


def test_more_rows_than_fit_a_batch(server):
    rows = [ROW | {"mold": str(number)} for number in range(200)]
    answers = predictions(server.ask({"instances": rows}))
    assert [answer["class"] for answer in answers] == [str(number) for number in range(200)]


def test_a_large_request_is_parsed_in_a_thread(server):
    rows = [ROW | {"mold": "x" * 1000 + str(number)} for number in range(200)]
    body = json.dumps({"instances": rows}).encode()
    assert len(body) > 2**16
    assert predictions(server.ask(body))[-1]["class"].endswith("199")
    assert "'x' is not a number" in refused(server.ask(body.replace(b"0.5", b'"x"')))


def test_compressed_bodies(server):
    packed = gzip.compress(json.dumps({"instances": [ROW]}).encode())
    assert predictions(server.ask(packed, headers={"content-encoding": "gzip"}))
    refused(server.ask(packed, headers={"content-encoding": "br"}), 415)


def test_a_model_that_takes_too_long(server):
    asked = {"signature_name": "slow", "instances": [3.0]}
    assert "did not answer within 2 s" in refused(server.ask(asked), 504)
    assert predictions(server.ask({"instances": [ROW]}))
