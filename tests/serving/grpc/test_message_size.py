"""How much a message holds, counted before it is parsed."""

import numpy as np
import pytest
from tensorflow_serving.apis.classification_pb2 import ClassificationRequest
from tensorflow_serving.apis.predict_pb2 import PredictRequest

from beltline.serving.grpc import message_size
from beltline.serving.grpc.message_size import check_size
from beltline.serving.rest.json_size import MAX_VALUES
from beltline.serving.rest.responses import HttpError


def varint(number):
    found = b""
    while number >= 128:
        found += bytes([number & 127 | 128])
        number >>= 7
    return found + bytes([number])


def field(number, content):
    """A field of bytes, as it is sent."""
    return varint(number << 3 | 2) + varint(len(content)) + content


def tensor(content):
    """A PredictRequest with one tensor."""
    return field(2, field(1, b"x") + field(2, content))


FEW = {
    "texts": tensor(field(8, b"x" * 100) * 10_000),
    "numbers": tensor(field(5, np.zeros(1_000_000, np.float32).tobytes())),
    "numbers of several bytes": tensor(field(10, varint(2**62) * 500_000)),
    "content": tensor(field(4, bytes(8_000_000))),
    "a name": field(2, field(1, b"x" * 2_000_000)),
    "what its type doesn't have": field(99, b"\x12\x00" * 1_000_000),
}
MANY = {
    "empty inputs": b"\x12\x00" * 300_000,
    "texts": tensor(field(8, b"") * 1_050_000),
    "numbers": tensor(field(5, np.zeros(1_050_000, np.float32).tobytes())),
    "numbers of a byte": tensor(field(10, b"\x01" * 1_050_000)),
    "numbers one by one": tensor(b"\x50\x01" * 1_050_000),
    "messages within messages": tensor(field(15, b"") * 300_000),
}


@pytest.mark.parametrize("name", FEW)
def test_few(name):
    check_size(FEW[name], PredictRequest.DESCRIPTOR)


@pytest.mark.parametrize("name", MANY)
def test_many(name):
    with pytest.raises(HttpError, match="too many values: at most 1,048,576"):
        check_size(MANY[name], PredictRequest.DESCRIPTOR)


def test_examples():
    def examples(number):
        return field(2, field(1, field(1, b"") * number))

    check_size(examples(250_000), ClassificationRequest.DESCRIPTOR)
    with pytest.raises(HttpError):
        check_size(examples(270_000), ClassificationRequest.DESCRIPTOR)


@pytest.mark.parametrize("end", [b"\x12", b"\x12\xff", b"\x12\xff" + b"\xff" * 20, b"\x0d"])
def test_what_is_malformed_is_left_to_the_parser(end):
    check_size(field(99, b"x" * 100_000) + end, PredictRequest.DESCRIPTOR)


def test_each_value_counts_once():
    given = tensor(field(8, b"a") * 3 + field(5, bytes(8)) + b"\x28\x01")
    # The entry and the tensor are messages; the name, three texts, a list of two, a number.
    assert message_size._count(given, PredictRequest.DESCRIPTOR) == 4 + 1 + 4 + 3 + (1 + 2) + 1
    assert MAX_VALUES == 2**20
