"""Inference by a public client and without one, against a real server: answers as :predict's."""

import gzip
import json
import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import requests

from beltline.serving.rest.open_inference.datatypes import to_bytes
from tests.docs.pages import blocks
from tests.serving.rest.test_hostile import BODIES
from tests.serving.rest.test_predict import ROW, ignored, predictions, refused
from tests.serving.running import received

pytestmark = pytest.mark.slow

CLIENT = Path(__file__).parents[1] / "clients/ask_triton.py"
COLUMNS = {
    "temp": ("FP32", [0.5, float("nan"), 0.1]),
    "die temp": ("INT64", [-1, 2, 3]),
    "mold": ("BYTES", ["M1", "NA", "é"]),
}
ROWS = [
    {"temp": 0.5, "die temp": -1, "mold": "M1"},
    {"temp": None, "die temp": 2, "mold": None},
    {"temp": 0.1, "die temp": 3, "mold": "é"},
]
HEADER = "Inference-Header-Content-Length"


@pytest.fixture(autouse=True)
def answers_afterwards(server):
    """Whatever was sent, the server lives and answers."""
    yield
    assert predictions(server.ask({"instances": [ROW]}))
    assert "Traceback" not in server.log.read_text()


def request(**changes):
    """A request of three rows in JSON; a change replaces properties of the input of that name."""
    inputs = [
        {"name": name, "shape": [3], "datatype": datatype, "data": values}
        for name, (datatype, values) in COLUMNS.items()
    ]
    return {"inputs": [each | changes.get(each["name"].replace(" ", "_"), {}) for each in inputs]}


def in_binary(columns=COLUMNS, **document):
    """A request with binary data, and its headers."""
    dtypes = {"FP32": np.float32, "INT64": np.int64, "BYTES": object}
    inputs, data = [], b""
    for name, (datatype, values) in columns.items():
        sent = to_bytes(np.array(values, dtypes[datatype]))
        each = {"name": name, "shape": [len(values)], "datatype": datatype}
        inputs.append({**each, "parameters": {"binary_data_size": len(sent)}})
        data += sent
    text = json.dumps({"inputs": inputs, **document}).encode()
    return text + data, {HEADER: str(len(text))}


def by_rows(answer):
    """The outputs of an answer in JSON, as :predict has them."""
    assert answer.status_code == 200, answer.text
    outputs = {each["name"]: each["data"] for each in answer.json()["outputs"]}
    return [dict(zip(outputs, row, strict=True)) for row in zip(*outputs.values(), strict=True)]


def test_a_public_client(server):
    address = server.address.removeprefix("http://")
    words = [sys.executable, str(CLIENT), address, "line", json.dumps(COLUMNS)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["live"] and found["ready"]
    assert found["model_ready"] == [True, True, False]
    assert not found["other_ready"]
    assert found["server"] == server.look("/v2").json()
    assert found["model"] == server.look("/v2/models/line").json()
    assert found["error"] == ["400", "Missing named input: temp in 'inputs' object."]
    expected = predictions(server.ask({"instances": ROWS}))
    assert found["answers"]["by default"]["id"] == "42"
    for name, answer in found["answers"].items():
        assert (answer["model_name"], answer["model_version"]) == ("line", "1"), name
        outputs = answer["outputs"]
        chances = outputs["probability"]
        assert chances["datatype"] == "FP32"
        assert (
            np.float32(chances["values"]).tolist()
            == np.float32([row["probability"] for row in expected]).tolist()
        ), name
        whole = name in ("by default", "compressed", "at once")
        assert (outputs.keys() == {"class", "probability"}) == whole, name
        if whole:
            assert outputs["class"]["values"] == [row["class"] for row in expected]


def test_the_answer_is_that_of_predict(server):
    expected = predictions(server.ask({"instances": ROWS}))
    assert by_rows(server.infer(request())) == expected
    body, headers = in_binary()
    assert by_rows(server.infer(body, headers=headers)) == expected
    packed = gzip.compress(body)
    headers["Content-Encoding"] = "gzip"
    assert by_rows(server.infer(packed, headers=headers)) == expected
    assert by_rows(server.infer(request(), "/versions/1")) == expected
    assert "Specific(line, 9)" in refused(server.infer(request(), "/versions/9"), 404)


def test_other_signatures(server):
    asked = {
        "parameters": {"signature_name": "matrix"},
        "inputs": [{"name": "x", "shape": [2, 2], "datatype": "INT32", "data": [1, 2, 3, 4]}],
        "outputs": [{"name": "y"}],
    }
    [found] = server.infer(asked).json()["outputs"]
    assert found == {"name": "y", "datatype": "INT32", "shape": [2, 2], "data": [2, 4, 6, 8]}
    asked["inputs"][0] |= {"shape": [1, 3], "data": [1, 2, 3]}
    assert "Expecting shape [?,2] but got: [1,3]" in refused(server.infer(asked))
    picture = {"name": "image_bytes", "shape": [1], "datatype": "BYTES"}
    picture["parameters"] = {"binary_data_size": 6}
    text = json.dumps(
        {
            "parameters": {"signature_name": "picture", "binary_data_output": True},
            "inputs": [picture],
        }
    ).encode()
    sent = b"\x02\0\0\0\xff\xd8"
    answer = server.infer(text + sent, headers={HEADER: str(len(text))})
    assert answer.content[int(answer.headers[HEADER]) :] == sent + b"\x02\0\0\0"


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"temp": {"name": "tmep"}}, "named input: tmep; did you mean 'temp'?"),
        ({"temp": {"name": "scrap"}}, "Missing named input: temp"),
        ({"temp": {"name": "mold"}}, 'input "mold" is given twice'),
        (
            {"die_temp": {"datatype": "FP64", "data": [1, 48.9, 2]}},
            "key: die temp row: 1 of 'inputs' object. Error: INVALID_ARGUMENT: 48.9 is not a whole",
        ),
        ({"temp": {"datatype": "BYTES", "data": ["1", "2", "hot"]}}, "row: 2"),
        ({"temp": {"datatype": "BOOL", "data": [None, None, True]}}, "'true' is not a number"),
        ({"temp": {"data": [1, 1e39, 1]}}, "1e+39 is beyond the range of 32-bit floats"),
        ({"temp": {"shape": [2], "data": [1, 2]}}, "differ in length"),
        ({"temp": {"shape": [3, 2], "data": [1] * 6}}, "unexpected level"),
        ({"temp": {"shape": [201], "data": [1] * 201}}, "the request has 201 rows; at most 200"),
    ],
)
def test_invalid_columns(server, changes, why):
    assert why in refused(server.infer(request(**changes)))


def test_the_row_of_a_table_as_it_is(server):
    before = ignored(server)
    unread = {"name": "cast_at", "shape": [3], "datatype": "BYTES", "data": ["x"] * 3}
    document = request()
    document["inputs"].append(unread)
    assert by_rows(server.infer(document)) == by_rows(server.infer(request()))
    assert ignored(server) == before + 3
    document["inputs"][-1] = unread | {"name": "cats_at"}
    assert "did you mean 'cast_at'?" in refused(server.infer(document))


def test_the_key_of_a_row_is_no_input(server):
    for datatype, keys in (("BYTES", ["p1", None, "p3"]), ("INT64", [1, 2, 3])):
        document = request()
        key = {"name": "part", "shape": [3, 1], "datatype": datatype, "data": keys}
        document["inputs"].append(key)
        assert by_rows(server.infer(document)) == by_rows(server.infer(request()))
    document["inputs"][-1] |= {"datatype": "FP32"}
    assert by_rows(server.infer(document))
    document["inputs"][-1] |= {"data": [0.5, 1, 2]}
    assert "not a list of row keys" in refused(server.infer(document))


def test_requests_are_counted(server):
    def count():
        page = server.look("/metrics").text.splitlines()
        wanted = 'beltline_requests_total{endpoint="infer",status="200"} '
        found = [line.removeprefix(wanted) for line in page if line.startswith(wanted)]
        return float(found[0]) if found else 0

    before = count()
    server.infer(request())
    assert count() == before + 1


def test_a_large_request_is_parsed_in_a_thread(server):
    columns = {name: (kind, (values * 67)[:200]) for name, (kind, values) in COLUMNS.items()}
    columns["mold"] = ("BYTES", ["x" * 1_000 + str(number) for number in range(200)])
    body, headers = in_binary(columns)
    assert len(body) > 2**16
    assert by_rows(server.infer(body, headers=headers))[-1]["class"].endswith("x199")


def test_a_page_of_another_site_is_refused(server):
    refused(server.infer(request(), headers={"Origin": "http://elsewhere"}), 403)


def test_the_example_of_the_docs(server, tmp_path):
    [example] = [block.text for block in blocks("python") if "tritonclient" in block.text]
    lines = ["cast_at,temp,die temp,mold,scrap", "x,0.5,-1,M1,ok", "y,,2,,scrap", "z,0.1,3,é,ok"]
    (tmp_path / "parts.csv").write_text("\n".join(lines))
    example = example.replace("127.0.0.1:8501", server.address.removeprefix("http://"))
    words = [sys.executable, "-c", example.replace('"parts"', '"line"')]
    done = subprocess.run(words, capture_output=True, text=True, timeout=300, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    expected = [row["probability"] for row in predictions(server.ask({"instances": ROWS}))]
    found = [float(each) for each in done.stdout.strip("[]\n ").split()]
    assert found == pytest.approx(expected)


@pytest.mark.parametrize("name", BODIES)
def test_hostile_bodies(server, name):
    assert len(refused(server.infer(BODIES[name]))) < 1_000
    headers = {HEADER: str(len(BODIES[name]) // 2)}
    assert len(refused(server.infer(BODIES[name], headers=headers))) < 1_000


TENSOR = b'{"inputs": [{"name": "temp", "datatype": "FP32", "shape": %b, "data": %b}]}'


@pytest.mark.parametrize(
    "body",
    [
        b'{"inputs": [%b]}' % b",".join([b"{}"] * 200_000),
        b'{"inputs": [%b]}'
        % b",".join(
            b'{"name":"%d","shape":[0],"datatype":"INT8","data":[]}' % n for n in range(9_000)
        ),
        TENSOR % (b"[9223372036854775807, 0]", b"[]"),
        TENSOR % (b"[1, 9223372036854775807, 9223372036854775807, 0]", b"[]"),
        TENSOR % (b"[%b]" % (b"9" * 4_000), b"[1]"),
        TENSOR % (b"[%b, NaN]" % (b"9" * 4_000), b"[1]"),
        TENSOR % (b"[%b]" % b",".join([b"1"] * 100_000), b"[1]"),
        TENSOR % (b"[1]", b"[" * 1_000 + b"1" + b"]" * 1_000),
        TENSOR % (b"[1]", b"[%b]" % b",".join([b"[]"] * 200_000)),
        TENSOR % (b"[1]", b'[{"b64": "***"}]'),
        TENSOR % (b"[1]", b"[1e999]"),
        TENSOR.replace(b"FP32", b"\\ud800") % (b"[NaN]", b"[1]"),
        TENSOR.replace(b"temp", b"\\ud800") % (b"[1]", b"[NaN]"),
        TENSOR.replace(b"temp", b"t" * 900_000) % (b"[1]", b"[1]"),
        TENSOR.replace(b'"temp"', b'"b64"').replace(b"FP32", b"BYTES") % (b"[1]", b'["TQ=="]'),
    ],
    ids=range(15),
)
def test_hostile_tensors(server, body):
    assert len(refused(server.infer(body))) < 1_000


def test_random_changes_to_a_good_request(server):
    chance = random.Random(7)  # noqa: S311 # it needs no secret
    pieces = [b"", b"\x00", b"[", b'"', b"NaN", b"-", b"9", b"\\u", b"null", b"\xff", b",", b"[]"]
    good, headers = in_binary(outputs=[{"name": "class", "parameters": {"binary_data": True}}])
    found = set()
    with requests.Session() as session:
        for _ in range(1_000):
            body, length = bytearray(good), int(headers[HEADER])
            for _ in range(chance.randint(1, 3)):
                place = chance.randrange(len(body))
                body[place : place + chance.randint(0, 3)] = chance.choice(pieces)
            if chance.random() < 0.2:
                length = max(0, length + chance.randint(-30, 30))
            answer = session.post(
                server.inference, data=bytes(body), headers={HEADER: str(length)}, timeout=20
            )
            assert answer.status_code in (200, 400), (body, answer.text)
            found.add(answer.status_code)
    assert found == {200, 400}


def test_a_header_that_is_sent_twice(server):
    body, headers = in_binary()
    head = (
        f"POST /v2/models/line/infer HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n"
        f"{HEADER}: {headers[HEADER]}\r\n{HEADER}: 1\r\nConnection: close\r\n\r\n"
    )
    with server.connect() as connection:
        connection.sendall(head.encode() + body)
        assert received(connection).startswith(b"HTTP/1.1 200 OK")
