import json
from dataclasses import replace
from pathlib import Path

import pytest

from beltline.serving.options import Options
from beltline.serving.rest.openapi import OpenApi
from tests.serving.rest.test_predict import refused
from tests.serving.servables.counting import Counting, signature

INFER = "/v2/models/line/infer"


def document(live):
    return json.loads(OpenApi(Options("line", Path("line"))).document(live))


@pytest.mark.slow
def test_the_example_is_answered(server):
    operation = server.look("/openapi.json").json()["paths"][INFER]["post"]
    example = operation["requestBody"]["content"]["application/json"]["example"]
    found = server.infer(example).json()["outputs"]
    assert [each["name"] for each in found] == ["class", "probability"]
    assert "Missing named input" in refused(server.infer({"inputs": example["inputs"][1:]}))


def test_the_outputs_that_may_be_asked_for():
    model = Counting()
    model.signatures = {"serving_default": signature()}
    schema = document(model)["paths"][INFER]["post"]["requestBody"]["content"]["application/json"]
    assert "example" not in schema
    outputs = schema["schema"]["properties"]["outputs"]["items"]["properties"]
    assert outputs["name"] == {"type": "string", "enum": ["y"]}


def test_before_a_version_is_live():
    paths = document(None)["paths"]
    assert paths.keys() > {"/v2", "/v2/health/ready", "/v2/models/line/ready", INFER}
    assert paths["/v2/health/live"]["get"]["security"] == []
    assert "security" not in paths["/v2/models/line/ready"]["get"]


def test_each_operation_has_a_name_of_its_own():
    model = Counting()
    model.signatures = {"serving_default": replace(signature(), name="serving_default")}
    names = [
        operation["operationId"]
        for path in document(model)["paths"].values()
        for operation in path.values()
    ]
    assert len(set(names)) == len(names)
