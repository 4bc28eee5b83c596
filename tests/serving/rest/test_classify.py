import math
import time

import pytest

from tests.serving.monitoring.made import rows_of
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
    shared = {"die temp": 4, "mold": "M1"}
    asked = {"context": shared, "examples": [{"temp": 1.0}, {"temp": [2]}]}
    assert results(server.ask(asked, ":regress")) == [5.0, 6.0]


@pytest.mark.parametrize(
    "context",
    [
        {"mold": "a" * 6_000},
        {"mold": ["a", "b" * 6_000]},
        {"mold": {"b64": "YWFh" * 1_500}},
        {f"column {number}": None for number in range(400)},
    ],
    ids=["a text", "a text in a list", "bytes", "names"],
)
def test_the_context_counts_once_for_each_example(server, context):
    asked = {"context": context, "examples": [{}] * 200}
    assert "the context of the examples is larger than 1 MiB" in refused(
        server.ask(asked, ":classify")
    )


@pytest.mark.parametrize(
    "example",
    [
        # What the version says of a column decides, not how a number is written.
        {"temp": 2, "die temp": 1.0, "mold": "M1"},
        {"temp": 2.0, "die temp": 1, "mold": None},
        {"temp": "2", "die temp": "1.0", "mold": 7},
        {"temp": [2], "die temp": [1], "mold": []},
        {"temp": 2, "die temp": 1, "mold": {"b64": "/w=="}},
        # The key of the row, and columns of the table that the model doesn't read.
        {"temp": 2, "die temp": 1, "mold": "M1", "part": "p1", "cast_at": "now", "scrap": True},
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
        ({"examples": [EXAMPLE | {"temp": "x"}]}, "key: temp of 'examples' list."),
        ({"examples": [EXAMPLE, EXAMPLE | {"temp": "x"}]}, "element: 1 key: temp"),
        ({"examples": [EXAMPLE | {"temp": "x"}]}, "'x' is not a number"),
        ({"examples": [EXAMPLE | {"temp": True}]}, "'true' is not a number"),
        ({"examples": [EXAMPLE | {"temp": 1e39}]}, "beyond the range of 32-bit floats"),
        ({"examples": [EXAMPLE | {"temp": 10**400}]}, "JSON"),
        ({"examples": [EXAMPLE | {"die temp": 1.5}]}, "1.5 is not a whole number"),
        ({"examples": [EXAMPLE | {"die temp": 1e300}]}, "is beyond ±9007199254740991"),
        ({"examples": [EXAMPLE | {"mold": {"b64": "*"}}]}, "Unable to base64 decode"),
        ({"examples": [EXAMPLE | {"mold": {"b": "*"}}]}, "not formatted correctly for base64"),
        ({"examples": [EXAMPLE | {"mold": [["a"]]}]}, "key: mold"),
        ({"examples": [{}]}, "missing: die temp,mold,temp"),
        ({"examples": [EXAMPLE, {"temp": 1, "mold": "a"}]}, "missing: die temp"),
        ({"examples": [EXAMPLE | {"tmep": 1}]}, "did you mean 'temp'?"),
        ({"examples": [EXAMPLE | {"temp": [1, 2]}]}, 'key: "temp": it has 2 values'),
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


def test_what_was_asked_is_sampled_by_whichever_method(server):
    requests = server.log.parent / "requests"
    row = EXAMPLE | {"scrap": "ok"}
    asked = {
        ":classify": {"examples": [row | {"part": "by :classify"}]},
        ":regress": {"examples": [row | {"part": "by :regress"}]},
        ":predict": {"instances": [row | {"part": "by :predict"}]},
    }
    for path, document in asked.items():
        assert server.ask(document, path).status_code == 200
    wanted = {f"by {path}".encode() for path in asked}
    end = time.monotonic() + 60
    found = {}
    while not wanted <= found.keys():
        assert time.monotonic() < end, found
        time.sleep(0.5)
        rows = [row for file in requests.glob("Split-v1/*.gz") for row in rows_of(file)]
        found = {row["beltline:key"][0]: row for row in rows if row.get("beltline:key")}
    for key in wanted:
        row = found[key]
        assert [row["temp"], row["die temp"], row["mold"]] == [[0.5], [-1], [b"M1"]]
        assert "scrap" not in row
    assert found[b"by :classify"]["beltline:probability"] == [pytest.approx(P)]
    assert found[b"by :predict"]["beltline:probability"] == [pytest.approx(P)]
