"""TensorFlow Serving's own stubs, and requests for the small model."""

import re
import time
from contextlib import contextmanager

import grpc
import numpy as np
import pytest
import tensorflow as tf
from grpc_health.v1 import health_pb2_grpc
from tensorflow.core.framework.tensor_pb2 import TensorProto
from tensorflow_serving.apis import (
    classification_pb2,
    get_model_metadata_pb2,
    get_model_status_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
    regression_pb2,
)

SECONDS = 20


class Client:
    """The stubs on one channel."""

    def __init__(self, server, **how):
        self.port = _port(server)
        self.channel = grpc.insecure_channel(f"127.0.0.1:{self.port}", **how)
        self.prediction = prediction_service_pb2_grpc.PredictionServiceStub(self.channel)
        self.model = model_service_pb2_grpc.ModelServiceStub(self.channel)
        self.health = health_pb2_grpc.HealthStub(self.channel)

    def predict(self, request, **how):
        return self.prediction.Predict(request, **{"timeout": SECONDS} | how)

    def classify(self, request, **how):
        return self.prediction.Classify(request, **{"timeout": SECONDS} | how)

    def regress(self, request, **how):
        return self.prediction.Regress(request, **{"timeout": SECONDS} | how)

    def raw(self, message, method="Predict", **how):
        """Sends bytes in the place of a request; returns the answer's."""
        call = self.channel.unary_unary(f"/tensorflow.serving.PredictionService/{method}")
        return call(message, **{"timeout": SECONDS} | how)


def _port(server):
    end = time.monotonic() + SECONDS
    while not (found := re.search(r"gRPC on \S+:(\d+)\n", server.log.read_text())):
        assert time.monotonic() < end
        time.sleep(0.05)
    return int(found[1])


@contextmanager
def client(server, **how):
    found = Client(server, **how)
    try:
        yield found
    finally:
        found.channel.close()


def addressed(request, name="line", version=None, label=None, signature=""):
    """Gives a request its ModelSpec."""
    request.model_spec.name = name
    request.model_spec.signature_name = signature
    if version is not None:
        request.model_spec.version.value = version
    if label is not None:
        request.model_spec.version_label = label
    return request


def columns(inputs=None, /, **spec):
    """A PredictRequest; by default of one row."""
    request = addressed(predict_pb2.PredictRequest(), **spec)
    for name, values in (ROW if inputs is None else inputs).items():
        known = isinstance(values, TensorProto)
        request.inputs[name].CopyFrom(values if known else tf.make_tensor_proto(values))
    return request


ROW = {
    "temp": np.array([0.5], np.float32),
    "die temp": np.array([-1], np.int64),
    "mold": np.array([b"M1"], object),
}


def values(response):
    """The outputs of a PredictResponse as lists."""
    return {name: tf.make_ndarray(proto).tolist() for name, proto in response.outputs.items()}


def examples(kind, *given, context=None, **spec):
    """A ClassificationRequest or RegressionRequest."""
    request = addressed(kind(), **spec)
    if context is None:
        request.input.example_list.examples.extend(given)
    else:
        request.input.example_list_with_context.examples.extend(given)
        request.input.example_list_with_context.context.CopyFrom(context)
    return request


def classification(*given, **how):
    return examples(classification_pb2.ClassificationRequest, *given, **how)


def regression(*given, **how):
    return examples(regression_pb2.RegressionRequest, *given, **how)


def metadata(*fields, **spec):
    request = addressed(get_model_metadata_pb2.GetModelMetadataRequest(), **spec)
    request.metadata_field.extend(fields or ["signature_def"])
    return request


def status(**spec):
    return addressed(get_model_status_pb2.GetModelStatusRequest(), **spec)


def refused(ask, code="INVALID_ARGUMENT"):
    """Calls, and returns why it was refused."""
    with pytest.raises(grpc.RpcError) as caught:
        ask()
    assert caught.value.code().name == code, caught.value
    return caught.value.details()
