"""A misspelt property of a request is an error: TensorFlow Serving would ignore it."""

import asyncio
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from beltline.base.settings.monitoring import Sampling
from beltline.base.settings.serving import ServingLimits
from beltline.serving.options import Options
from beltline.serving.rest.classify import Classify
from beltline.serving.rest.metrics import ServerMetrics
from beltline.serving.rest.openapi import OpenApi
from beltline.serving.rest.parsing import Parsing
from beltline.serving.rest.predict import Predict
from beltline.serving.rest.responses import HttpError
from beltline.serving.servables.served import ServedVersions
from beltline.versions.loaded.signature import Signature, Tensor
from tests.serving.servables.counting import Counting, signature

OPTIONS = Options("line", Path("line"), sampling=Sampling(key="part"))


@pytest.fixture
def served():
    found = ServedVersions(OPTIONS)
    yield found
    found.close()


def predict(served, **document):
    parsing = Parsing()
    predict = Predict(OPTIONS, served, ServerMetrics(served), parsing)
    try:
        body = json.dumps({"signature_name": "double", **document}).encode()
        return json.loads(asyncio.run(predict.respond(Counting(), body)))
    finally:
        parsing.close()


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
    classify = Classify(OPTIONS, served, ServerMetrics(served), Parsing())
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


@pytest.mark.parametrize("unknown", ["error", "ignore"])
def test_the_openapi_document_allows_the_columns_that_the_settings_allow(unknown):
    options = replace(OPTIONS, limits=ServingLimits(unknown_columns=unknown))
    model = Counting()
    problem = {"columns": {"x": "number"}, "label": "y"}
    model.version = replace(model.version, problem=problem, unread=("id",))
    model.signatures = {"serving_default": signature(), "classify": examples("classify")}
    paths = json.loads(OpenApi(options).document(model))["paths"]
    for method, name in (("predict", "instances"), ("classify", "examples")):
        body = paths[f"/v1/models/line:{method}"]["post"]["requestBody"]
        schema = body["content"]["application/json"]["schema"]
        row = schema.get("oneOf", [schema])[0]["properties"][name]["items"]
        assert row["properties"].keys() == {"x", "y", "id", "part"}
        assert row["required"] == (["x"] if method == "predict" else [])
        assert row["additionalProperties"] is (unknown == "ignore")


def examples(method):
    text = Tensor("", np.dtype(object), (None,))
    return Signature(method, f"tensorflow/serving/{method}", {"inputs": text}, {}, {}, None)
