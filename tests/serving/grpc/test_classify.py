"""Classify and Regress, with TensorFlow Serving's own stubs as the client."""

import re

import pytest
from tensorflow.train import Example
from tensorflow_serving.apis.inference_pb2 import MultiInferenceRequest

from tests.serving.examples_made import example
from tests.serving.grpc.asking import classification, refused, regression
from tests.serving.rest.test_predict import P

pytestmark = pytest.mark.slow

ROW = {"temp": 0.5, "die_temp": -1, "mold": "M1"}


def test_classes(client):
    response = client.classify(classification(example(**ROW), example(**ROW | {"temp": 1.0})))
    [first, second] = response.result.classifications
    assert [each.label for each in first.classes] == ["ok", "scrap"]
    assert [each.score for each in first.classes] == pytest.approx([1 - P, P])
    assert [each.score for each in second.classes] == [0.5, 0.5]
    assert response.model_spec.signature_name == "classify"
    assert response.model_spec.version.value == 1


def test_values(client):
    response = client.regress(regression(example(**ROW), signature="regress"))
    assert [each.value for each in response.result.regressions] == [-0.5]


def test_the_answers_are_those_of_rest(client, server):
    rows = [{"temp": 0.1 * at, "die temp": at, "mold": "a"} for at in range(5)]
    over_rest = server.ask({"examples": rows}, ":regress").json()["results"]
    given = [example(temp=0.1 * at, die_temp=at, mold="a") for at in range(5)]
    found = client.regress(regression(*given)).result.regressions
    assert [each.value for each in found] == pytest.approx(over_rest, rel=1e-6)


def test_a_context(client):
    asked = classification(
        example(die_temp=-1), example(die_temp=0), context=example(temp=0.5, mold="a", die_temp=9)
    )
    found = client.classify(asked).result.classifications
    assert [each.classes[1].score for each in found] == pytest.approx([P, 1 - P], abs=1e-6)


def test_a_context_counts_once_for_each_example(client):
    large = example(temp=0.5, die_temp=-1, mold="x" * 10_000)
    why = refused(lambda: client.classify(classification(*[Example()] * 150, context=large)))
    assert "the context of the examples is larger than 1 MiB" in why


@pytest.mark.parametrize(
    ("given", "why"),
    [
        (example(temp=0.5, die_temp=-1), "missing: mold"),
        (example(), "missing: die temp,mold,temp"),
        (example(**ROW, tmep=1), "key: tmep .* did you mean 'temp'"),
        (example(**ROW | {"temp": [0.5, 1.5]}), "it has 2 values"),
        (example(**ROW | {"die_temp": 48.5}), "48.5 is not a whole number"),
    ],
)
@pytest.mark.parametrize("method", ["classify", "regress"])
def test_an_example_is_a_row(client, method, given, why):
    kinds = {"classify": classification, "regress": regression}
    asked = kinds[method](example(**ROW), given)
    found = refused(lambda: getattr(client, method)(asked))
    assert re.search(why, found)
    assert "1" in found


def test_no_examples_and_too_many(client):
    assert refused(lambda: client.classify(classification())) == "Input is empty."
    many = classification(*[example(**ROW)] * 201)
    assert "has 201 rows; at most 200" in refused(lambda: client.classify(many))


def test_a_signature_of_another_method(client):
    why = refused(lambda: client.classify(classification(example(**ROW), signature="regress")))
    assert "Expected classification signature method_name" in why
    why = refused(lambda: client.classify(classification(example(**ROW), signature="x")))
    assert why == "No signature was found with the name: x"


def test_what_is_not_offered(client):
    ask = client.prediction.MultiInference
    assert "Method not found" in refused(lambda: ask(MultiInferenceRequest()), "UNIMPLEMENTED")
