"""A misspelt property of a request is an error: TensorFlow Serving would ignore it."""

import asyncio
import json
from pathlib import Path

import pytest

from beltline.base.settings.monitoring import Sampling
from beltline.serving.options import Options
from beltline.serving.rest.classify import Classify
from beltline.serving.rest.metrics import ServerMetrics
from beltline.serving.rest.openapi import OpenApi
from beltline.serving.rest.predict import Predict
from beltline.serving.rest.responses import HttpError
from beltline.serving.servables.served import ServedVersions
from tests.serving.servables.counting import Counting, signature

OPTIONS = Options("line", Path("line"), sampling=Sampling(key="part"))


@pytest.fixture
def served():
    found = ServedVersions(OPTIONS)
    yield found
    found.close()


def predict(served, **document):
    predict = Predict(OPTIONS, served, ServerMetrics(served))
    try:
        body = json.dumps({"signature_name": "double", **document}).encode()
        return json.loads(asyncio.run(predict.respond(Counting(), body)))
    finally:
        predict.close()


def test_known_properties_and_row_keys_are_allowed(served):
    assert predict(served, instances=[{"x": 1, "part": "p1"}])["predictions"] == [2]
    assert predict(served, inputs={"x": [1], "part": ["p1"]})["outputs"] == [2]


@pytest.mark.parametrize(
    ("name", "nearest"), [("instnaces", "instances"), ("signature_nme", "signature_name")]
)
def test_predict_refuses_an_unknown_property(served, name, nearest):
    with pytest.raises(HttpError, match=f"did you mean '{nearest}'") as caught:
        predict(served, instances=[{"x": 1}], **{name: 1})
    assert caught.value.status == 400


@pytest.mark.parametrize("method", ["classify", "regress"])
def test_classify_and_regress_refuse_an_unknown_property(served, method):
    classify = Classify(OPTIONS, served, ServerMetrics(served))
    body = b'{"examples": [{}], "contxt": {}}'
    with pytest.raises(HttpError, match="did you mean 'context'") as caught:
        asyncio.run(classify.respond(Counting(), method, body))
    assert caught.value.status == 400


def test_the_openapi_document_allows_no_other_properties():
    model = Counting()
    model.signatures = {"serving_default": signature()}
    document = json.loads(OpenApi(OPTIONS).document(model))
    operation = document["paths"]["/v1/models/line:predict"]["post"]
    schema = operation["requestBody"]["content"]["application/json"]["schema"]
    assert [each["additionalProperties"] for each in schema["oneOf"]] == [False, False]
