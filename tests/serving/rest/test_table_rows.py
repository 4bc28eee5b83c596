"""The rows of a request, and their samples, whichever signature it asks."""

import base64
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pytest

from beltline.serving.options import Options
from beltline.serving.rest.examples import serialized
from beltline.serving.rest.metrics import ServerMetrics
from beltline.serving.rest.responses import HttpError
from beltline.serving.rest.table_rows import RowParser, sample
from beltline.serving.servables.served import ServedVersions
from beltline.versions.loaded.signature import Signature, Tensor
from tests.serving.servables.counting import Counting

OPTIONS = Options("line", Path("line"))
KINDS = {"heat (°C)": "number", "mold": "text"}
NUMBER, TEXT = (Tensor("", np.dtype(kind), (None,)) for kind in (np.float32, object))
NAMES = {"heat": "heat (°C)", "mold": "mold"}
ROW = {"heat (°C)": 201.5, "mold": "M1"}


def signature(name, inputs, outputs, method="predict"):
    names = {key: NAMES.get(key, key) for key in inputs}
    return Signature(name, f"tensorflow/serving/{method}", inputs, outputs, names, None)


def model(task="binary", kinds=KINDS):
    """A version with signatures of every kind."""
    found = Counting()
    answer = {"probability": NUMBER, "class": TEXT, "prediction": NUMBER, "probabilities": NUMBER}
    columns = {"heat": NUMBER, "mold": TEXT}
    found.signatures = {
        each.name: each
        for each in (
            signature("serving_default", columns, answer),
            signature("other", columns, answer),
            signature("examples", {"examples": TEXT}, answer),
            signature("evaluate", {"examples": TEXT}, answer),
            signature("labels", {"examples": TEXT}, answer),
            signature("picture", {"image": TEXT}, answer),
            signature("classify", {"inputs": TEXT}, {}, "classify"),
            signature("regress", {"inputs": TEXT}, {}, "regress"),
        )
    }
    found.version = replace(found.version, problem={"columns": kinds, "task": task})
    return found


@pytest.fixture
def parser():
    served = ServedVersions(OPTIONS)
    yield RowParser(OPTIONS, ServerMetrics(served))
    served.close()


@dataclass
class Taken:
    """What the sampler would write."""

    version: int = 0
    columns: dict = field(default_factory=dict)
    answers: dict = field(default_factory=dict)

    def take(self, version, columns, answers, keys):
        self.version = version
        self.columns = {name: values.tolist() for name, values in columns.items()}
        self.answers = {name: values.tolist() for name, values in answers.items()}


def sampled(servable, name, rows, outputs):
    taken = Taken()
    arrays = {key: np.array(values) for key, values in outputs.items()}
    sample(taken, servable, servable.signatures[name], rows, arrays)
    return taken


def test_rows_by_columns_and_by_examples_are_the_same_rows(parser):
    servable = model()
    written = serialized({"heat (°C)": np.array([201.5]), "mold": np.array([b"M1"])}, KINDS)
    asked = {
        "serving_default": ROW,
        "other": ROW,
        "examples": {"b64": _base64(written[0])},
        "evaluate": {"b64": _base64(written[0])},
    }
    for name, row in asked.items():
        rows = parser.from_instances(servable, servable.signatures[name], [row])
        taken = sampled(servable, name, rows, {"probability": [0.5], "decision": [1.0]})
        assert taken.columns == {"heat (°C)": [201.5], "mold": [b"M1"]}, name
        assert taken.answers == {"probability": [0.5]}
        assert taken.version == 1


def test_inputs_that_are_no_rows_of_the_table_are_not_sampled(parser):
    servable = model()
    for name in ("labels", "picture"):
        rows = parser.from_instances(servable, servable.signatures[name], [{"b64": "TQ=="}])
        assert next(iter(rows.inputs.values())).tolist() == [b"M"]
        assert sampled(servable, name, rows, {"probability": [0.5]}) == Taken()


def test_the_scores_of_classes(parser):
    document = {"examples": [ROW, ROW]}
    scores = [[0.75, 0.25], [0.25, 0.75]]
    outputs = {"scores": scores, "classes": [[b"no", b"yes"]] * 2}
    binary = model()
    rows = parser.from_examples(binary, binary.signatures["classify"], document)
    assert rows.number == 2
    assert sampled(binary, "classify", rows, outputs).answers == {"probability": [0.25, 0.75]}
    for threshold, chosen in ((0.75, [b"no", b"yes"]), (0.2, [b"yes", b"yes"])):
        binary.threshold = threshold
        answers = sampled(binary, "classify", rows, outputs).answers
        assert answers == {"probability": [0.25, 0.75], "class": chosen}
    several = model("multiclass")
    rows = parser.from_examples(several, several.signatures["classify"], document)
    assert sampled(several, "classify", rows, outputs).answers == {
        "probabilities": scores,
        "probability": [0.75, 0.75],
        "class": [b"no", b"yes"],
    }


def test_the_value_of_a_regression(parser):
    servable = model("regression")
    rows = parser.from_examples(servable, servable.signatures["regress"], {"examples": [ROW]})
    taken = sampled(servable, "regress", rows, {"outputs": [7.5]})
    assert taken.answers == {"prediction": [7.5]}
    assert taken.columns == {"heat (°C)": [201.5], "mold": [b"M1"]}


def test_examples_of_a_version_whose_columns_are_not_known(parser):
    servable = model(kinds=None)
    asked = {"examples": [{"anything": [1, 2]}]}
    rows = parser.from_examples(servable, servable.signatures["classify"], asked)
    assert rows.columns is None
    given = [{"b64": "TQ=="}]
    rows = parser.from_instances(servable, servable.signatures["examples"], given)
    assert rows.inputs["examples"].tolist() == [b"M"]
    with pytest.raises(HttpError, match="no serialized"):
        parser.from_instances(model(), model().signatures["examples"], given)


def _base64(data):
    return base64.b64encode(data).decode()


@pytest.mark.parametrize("kinds", [KINDS, {}], ids=["columns that are known", "of another's push"])
def test_a_context_is_bounded_by_the_examples_that_it_is_part_of(parser, kinds):
    servable = model(kinds=kinds)
    asked = {"context": {"mold": "a" * 2**20}, "examples": [{"heat (°C)": 1.5}] * 20}
    with pytest.raises(HttpError, match="the context of the examples is larger than 16 MiB"):
        parser.from_examples(servable, servable.signatures["classify"], asked)
