"""Calls that are wrong on purpose, against a real server: a reason, never a fault of ours."""

import concurrent.futures
import random
import threading
import time

import grpc
import numpy as np
import pytest
import tensorflow as tf
from google.protobuf import text_format
from tensorflow.core.framework.tensor_pb2 import TensorProto
from tensorflow_serving.apis.predict_pb2 import PredictRequest

from tests.serving.examples_made import example
from tests.serving.grpc import asking
from tests.serving.grpc.asking import ROW, classification, columns, refused, values
from tests.serving.grpc.test_message_size import field

pytestmark = pytest.mark.slow

MIB = 2**20
GOOD = columns().SerializeToString()


@pytest.fixture(autouse=True)
def answers_afterwards(server, client):
    """Whatever was sent, the server lives and answers, over either protocol."""
    before = server.memory()
    yield
    assert values(client.predict(columns()))["class"] == [b"M1"]
    assert server.look("/healthz").status_code == 200
    assert "Traceback" not in server.log.read_text()
    assert server.memory() - before < 200


def tensor(text):
    """A TensorProto in its text form."""
    return text_format.Parse(text, TensorProto())


TENSORS = {
    "nothing": "",
    "no type": "tensor_shape { dim { size: 1 } } float_val: 1",
    "an unknown type": "dtype: 99 tensor_shape { dim { size: 1 } } float_val: 1",
    "a reference": "dtype: DT_FLOAT_REF tensor_shape { dim { size: 1 } } float_val: 1",
    "a resource": "dtype: DT_RESOURCE tensor_shape { dim { size: 1 } } resource_handle_val {}",
    "a variant": "dtype: DT_VARIANT tensor_shape { dim { size: 1 } } variant_val {}",
    "no value": "dtype: DT_FLOAT tensor_shape { dim { size: 1 } }",
    "a value that stands for many": "dtype: DT_FLOAT tensor_shape { dim {size: 9} } float_val: 1",
    "more values than its shape": "dtype: DT_FLOAT tensor_shape { dim { size: 1 } } "
    "float_val: [1, 2]",
    "values in another field": "dtype: DT_FLOAT tensor_shape { dim { size: 1 } } double_val: 1",
    "an immense shape": "dtype: DT_FLOAT tensor_shape { dim { size: 4611686018427387904 } "
    "dim { size: 4611686018427387904 } } float_val: 1",
    "many rows of no values": "dtype: DT_FLOAT tensor_shape { dim {size: 100} dim {size: 0} }",
    "a negative shape": "dtype: DT_FLOAT tensor_shape { dim { size: -1 } } float_val: 1",
    "an unknown shape": "dtype: DT_FLOAT tensor_shape { unknown_rank: true } float_val: 1",
    "many dimensions": f"dtype: DT_FLOAT tensor_shape {{ {'dim { size: 1 } ' * 300} }} "
    "float_val: 1",
    "half of a number": 'dtype: DT_FLOAT tensor_shape { dim { size: 1 } } tensor_content: "xy"',
    "content of texts": 'dtype: DT_STRING tensor_shape { dim { size: 1 } } tensor_content: "xyzw"',
    "a number beyond its type": "dtype: DT_INT8 tensor_shape { dim { size: 1 } } int_val: 300",
    "a half beyond its bits": "dtype: DT_HALF tensor_shape { dim { size: 1 } } half_val: 70000",
}


@pytest.mark.parametrize("name", TENSORS)
@pytest.mark.parametrize("spec", [{}, {"signature": "matrix"}, {"signature": "examples"}])
def test_tensors(client, name, spec):
    given = tensor(TENSORS[name])
    inputs = {"signature": {"x": given}, "": ROW | {"temp": given}}["signature" if spec else ""]
    if spec.get("signature") == "examples":
        inputs = {"examples": given}
    assert len(refused(lambda: client.predict(columns(inputs, **spec)))) < 1_000


def test_no_rows_at_all(client):
    none = {
        "temp": np.empty(0, np.float32),
        "die temp": np.empty(0, np.int64),
        "mold": tensor("dtype: DT_STRING tensor_shape { dim { size: 0 } }"),
    }
    assert values(client.predict(columns(none))) == {"class": [], "probability": []}


BYTES = {
    "no message": b"",
    "cut off": GOOD[:-3],
    "NUL bytes": b"\x00" * 1000,
    "random bytes": random.Random(1).randbytes(1000),  # noqa: S311 # it needs no secret
    "JSON": b'{"instances": [1]}',
    "deep messages": b"\x12\x80\x01" * 10_000,
    "a group without an end": b"\x0b" * 1000,
    "no ModelSpec": columns().inputs["temp"].SerializeToString(),
    "many empty inputs": GOOD + b"\x12\x00" * 400_000,
    "many empty texts": field(2, field(1, b"x") + field(2, b"\x42\x00" * 450_000)),
    "many numbers": field(2, field(1, b"x") + field(2, field(10, b"\x01" * 1_040_000))),
    "a long name": GOOD + field(2, field(1, b"a" * 900_000)),
    "a name that is not UTF-8": GOOD + field(2, field(1, b"\xff\xfe")),
}


@pytest.mark.parametrize("name", BYTES)
@pytest.mark.parametrize("method", ["Predict", "Classify", "Regress", "GetModelMetadata"])
def test_messages(client, name, method):
    with pytest.raises(grpc.RpcError) as caught:
        client.raw(BYTES[name], method)
    assert caught.value.code().name in ("INVALID_ARGUMENT", "NOT_FOUND")
    assert len(caught.value.details()) < 1_000


def test_random_changes_to_a_good_request(client):
    chance = random.Random(7)  # noqa: S311 # it needs no secret
    pieces = [b"", b"\x00", b"\xff", b"\x12", b"\x0a\x00", b"\x80", b"\x7f\x7f"]
    found = set()
    for _ in range(1_000):
        message = bytearray(GOOD)
        for _ in range(chance.randint(1, 4)):
            place = chance.randrange(len(message))
            message[place : place + chance.randint(0, 3)] = chance.choice(pieces)
        try:
            client.raw(bytes(message))
            found.add("OK")
        except grpc.RpcError as error:
            found.add(error.code().name)
    assert found <= {"OK", "INVALID_ARGUMENT", "NOT_FOUND", "FAILED_PRECONDITION"}
    assert {"OK", "INVALID_ARGUMENT"} <= found


def test_a_message_that_is_too_large(client):
    for size in (MIB + 1, 5 * MIB):
        why = refused(lambda size=size: client.raw(b"x" * size), "RESOURCE_EXHAUSTED")
        assert "larger than max" in why


def test_a_compressed_message(server):
    """A few kilobytes may stand for gigabytes."""
    with asking.client(server, compression=grpc.Compression.Gzip) as client:
        large = columns(ROW | {"mold": ["x" * 10_000]})
        assert "compression" in refused(lambda: client.predict(large), "UNIMPLEMENTED").lower()


def test_metadata_that_is_too_large(client):
    headers = [("x", "y" * 100_000)]
    refused(lambda: client.predict(columns(), metadata=headers), "RESOURCE_EXHAUSTED")


def test_many_large_messages_at_once(server, client):
    before, most = server.memory(), 0.0
    large = GOOD + b"\x12\x00" * 500_000
    codes = []

    def ask():
        try:
            client.raw(large)
        except grpc.RpcError as error:
            codes.append(error.code().name)

    threads = [threading.Thread(target=ask) for _ in range(24)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        most = max(most, server.memory() - before)
        time.sleep(0.02)
    assert "INVALID_ARGUMENT" in codes
    assert set(codes) <= {"INVALID_ARGUMENT", "UNAVAILABLE"}
    assert most < 300


def test_calls_that_never_send_their_message(server, client):
    """They take no place from others for longer than a moment, and end after a while."""
    silent = [
        client.channel.stream_unary("/tensorflow.serving.PredictionService/Predict")
        for _ in range(16)
    ]
    end = threading.Event()

    def nothing():
        end.wait(20)
        yield b""

    began = time.monotonic()
    calls = [each.future(nothing(), timeout=20) for each in silent]
    time.sleep(0.3)
    assert values(client.predict(columns()))["class"] == [b"M1"]
    assert time.monotonic() - began < 6
    codes = [each.exception().code().name for each in calls]
    end.set()
    assert set(codes) == {"DEADLINE_EXCEEDED"}
    assert time.monotonic() - began < 12


def test_a_full_queue(client):
    slow = columns({"seconds": np.array([1.0], np.float32)}, signature="slow")
    rows = columns({name: np.repeat(column, 16) for name, column in ROW.items()})

    def ask(request):
        try:
            client.predict(request)
            return "OK"
        except grpc.RpcError as error:
            assert "wait for the model" in error.details()
            return error.code().name

    with concurrent.futures.ThreadPoolExecutor(13) as pool:
        found = [pool.submit(ask, slow)]
        time.sleep(0.05)
        found += [pool.submit(ask, rows) for _ in range(12)]
    assert {each.result() for each in found} == {"OK", "UNAVAILABLE"}


def test_a_large_context(client):
    large = example(temp=0.5, die_temp=-1, mold="x" * 900_000)
    asked = classification(*[tf.train.Example()] * 200, context=large)
    assert "the context of the examples is larger" in refused(lambda: client.classify(asked))


def test_a_request_of_another_kind(client):
    assert refused(lambda: client.raw(PredictRequest().SerializeToString())) == "Missing ModelSpec"
