import json
from dataclasses import replace

import pytest

from beltline.base.errors import WrongInput
from beltline.runners.report import model_card
from tests.runners.report.reports import IMPORTANCE, NUMBERS, REPORT, TEXTS

FIELDS = [
    "model_details",
    "intended_use",
    "factors",
    "metrics",
    "evaluation_data",
    "training_data",
    "quantitative_analyses",
    "ethical_considerations",
    "caveats_and_recommendations",
]


def test_it_has_the_paper_s_fields_and_is_json():
    card = model_card(REPORT)
    assert list(card) == FIELDS
    assert json.loads(json.dumps(card, allow_nan=False)) == card


def test_what_the_model_is():
    details = model_card(REPORT)["model_details"]
    assert (details["name"], details["version"], details["task"]) == ("casting", 2, "binary")
    assert (details["label"], details["classes"]) == ("bad", ["ok", "<scrap>"])
    assert details["digests"] == {"code": "c0de"}
    assert details["made_from"] == {"data": "d1", "model code": "c0de"}
    assert [each["learner"] for each in details["learners"]] == ["trees", "network"]


def test_the_numbers_are_the_report_s():
    card = model_card(REPORT)
    found = card["quantitative_analyses"]
    assert found["overall"]["auc"] == {"value": 0.9, "interval": [0.875, 0.925]}
    assert [each["slice"] for each in found["by_slice"]] == ["mold=<b>B</b>", "mold=A"]
    assert found["importance"] == IMPORTANCE["columns"]
    assert card["training_data"]["rows"] == 14120
    assert card["evaluation_data"]["rows"] == 3912
    assert card["training_data"]["columns"]["temperature"] == {"type": "number", **NUMBERS}
    assert card["training_data"]["columns"]["mold"] == {"type": "text", **TEXTS}
    assert list(card["evaluation_data"]["columns"]) == ["mold"]
    assert card["metrics"]["decision_threshold"] == 0.25
    assert list(card["metrics"]["thresholds"]) == ["auc"]


def test_what_it_is_not_for_and_what_to_mind():
    card = model_card(REPORT)
    assert card["factors"]["sliced_by"] == ["mold"]
    assert card["intended_use"]["out_of_scope"] == [
        "temperature below 12 or above 40: never trained on"
    ]
    assert card["caveats_and_recommendations"] == [
        "Slices with fewer than 250 rows: 1. Nobody knows how good the model is there.",
        "Most harm is in mold=<b>B</b>: auc 0.8200 on 489 rows.",
    ]
    good = replace(REPORT.evaluation, value=0.5)
    told = model_card(replace(REPORT, evaluation=good))["caveats_and_recommendations"]
    assert not any("Most harm" in each for each in told)
    refit = replace(REPORT, version={**REPORT.version, "refit": True})
    assert "It is a refit" in model_card(refit)["caveats_and_recommendations"][-1]


def test_what_nobody_has_said_is_null():
    card = model_card(REPORT)
    assert card["ethical_considerations"] is None
    assert card["intended_use"]["primary_users"] is None


@pytest.mark.parametrize(
    ("version", "says"),
    [({}, "pushed no version"), ({"version": 7, "kept": False}, "version 7 is no longer kept")],
)
def test_without_a_version_there_is_no_card(version, says):
    with pytest.raises(WrongInput, match=f"run 20261126-040000-abcd: {says}"):
        model_card(replace(REPORT, version=version))
