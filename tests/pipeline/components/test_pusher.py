"""What the Pusher makes of the two blessings, and what it writes down about the version."""

import json

import pytest
from tfx.dsl.components.base.base_executor import BaseExecutor
from tfx.types import standard_artifacts

from beltline.pipeline.components.pusher import Executor
from beltline.pipeline.components.serving_check import ANSWERS, ANSWERS_TO_MANY
from beltline.versions.approval import approve, reject
from beltline.versions.folder import MODEL_CARD, SCHEMA, SCORES, STATISTICS, waiting
from beltline.versions.live import live, rollback


def artifact(kind, folder, number=1, **properties):
    made = kind()
    made.uri = str(folder)
    made.id = number
    folder.mkdir(parents=True, exist_ok=True)
    for name, value in properties.items():
        if isinstance(value, int):
            made.set_int_custom_property(name, value)
        else:
            made.set_string_custom_property(name, value)
    return made


def pushed(
    folder,
    monkeypatch,
    blessed=1,
    serves=1,
    champion=False,
    content="one",
    number=7,
    refit=None,
    approval="none",
    context=None,
):
    """Runs the executor on a model of one file; returns the artifact."""
    monkeypatch.setenv("BELTLINE_ROOT", str(folder / "root"))
    model = artifact(standard_artifacts.Model, folder / "model", number)
    file = folder / "model" / "Format-Serving" / "saved_model.pb"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(content)
    infra = artifact(standard_artifacts.InfraBlessing, folder / "infra", blessed=serves)
    mark = folder / "infra" / ("INFRA_BLESSED" if serves else "INFRA_NOT_BLESSED")
    for old in (folder / "infra").iterdir():
        old.unlink()
    mark.touch()
    (folder / "infra" / ANSWERS).write_text("{}")
    (folder / "infra" / ANSWERS_TO_MANY).write_text('{"probability": [0.5]}')
    statistics = artifact(standard_artifacts.ExampleStatistics, folder / "statistics")
    statistics.split_names = '["train", "eval"]'
    (folder / "statistics" / "Split-train").mkdir(exist_ok=True)
    (folder / "statistics" / "Split-train" / "FeatureStats.pb").write_bytes(b"counted")
    schema = artifact(standard_artifacts.Schema, folder / "schema")
    (folder / "schema" / "schema.pbtxt").write_text("# columns")
    figures = {"candidate": '{"auc": 0.8}', "baseline": '{"auc": 0.7}' if champion else "{}"}
    inputs = {
        "model": [model],
        "model_blessing": [
            artifact(standard_artifacts.ModelBlessing, folder / "blessing", blessed=blessed)
        ],
        "infra_blessing": [infra],
        "evaluation": [artifact(standard_artifacts.ModelEvaluation, folder / "eval", **figures)],
        "examples": [artifact(standard_artifacts.Examples, folder / "rows", data_digest="d1")],
        "statistics": [statistics],
        "schema": [schema],
    }
    if champion:
        inputs["champion"] = [model]
    if refit is not None:
        inputs["judged_model"] = [artifact(standard_artifacts.Model, folder / "judged", 3)]
        inputs["refit_blessing"] = [refitted(folder / "refit", refit)]
    made = artifact(standard_artifacts.PushedModel, folder / "pushed")
    properties = {"directory": "served", "name": "tiny", "code": "c1", "problem": '{"p": 1}'}
    properties |= {"keep": 2, "approval": approval, "unread": '["part_id"]'}
    Executor(context).Do(inputs, {"pushed_model": [made]}, properties)
    return made


def refitted(folder, serves):
    """The blessing of a refit, with its own answers."""
    made = artifact(standard_artifacts.InfraBlessing, folder, blessed=serves)
    (folder / ("INFRA_BLESSED" if serves else "INFRA_NOT_BLESSED")).touch()
    (folder / ANSWERS).write_text('{"rows": {}}')
    (folder / ANSWERS_TO_MANY).write_text('{"probability": [1.0]}')
    return made


@pytest.mark.parametrize(
    ("blessed", "serves", "reason"),
    [
        (0, 1, "the Evaluator refused the model"),
        (1, 0, "the serving check refused the model"),
        (0, 0, "the Evaluator refused the model"),
    ],
)
def test_a_refused_model_is_not_pushed(tmp_path, monkeypatch, blessed, serves, reason):
    made = pushed(tmp_path, monkeypatch, blessed, serves)
    assert made.get_int_custom_property("pushed") == 0
    assert made.get_string_custom_property("reason") == reason
    assert not (tmp_path / "root").exists()


def test_a_good_model_is_the_next_version_with_a_card_of_where_it_comes_from(tmp_path, monkeypatch):
    made = pushed(tmp_path, monkeypatch)
    version = tmp_path / "root" / "served" / "tiny" / "1"
    assert made.get_int_custom_property("pushed") == 1
    assert made.get_int_custom_property("model_id") == 7
    assert made.get_string_custom_property("pushed_version") == "1"
    assert made.get_string_custom_property("pushed_destination") == str(version)
    assert made.get_string_custom_property("problem") == '{"p": 1}'
    card = json.loads((version / "assets.extra" / "version.json").read_text())
    assert card["metrics"] == {"auc": 0.8}
    assert card["first"] is True
    assert card["champion_metrics"] is None
    assert card["digests"] == {"data": "d1", "code": "c1"}
    assert (version / "saved_model.pb").read_text() == "one"
    assert card["problem"] == {"p": 1}
    assert card["unread"] == ["part_id"]
    assert (version / "assets.extra" / "check_rows.json").read_text() == "{}"
    assert (version / SCORES).read_text() == '{"probability": [0.5]}'
    assert (version / STATISTICS).read_bytes() == b"counted"
    assert (version / SCHEMA).read_text() == "# columns"


@pytest.mark.parametrize("left", [True, False])
def test_the_model_card_travels_with_the_version_if_there_is_one(tmp_path, monkeypatch, left):
    if left:
        (tmp_path / "tmp" / "9").mkdir(parents=True)
        (tmp_path / "tmp" / "9" / "model_card.json").write_text('{"metrics": {}}')
    context = BaseExecutor.Context(tmp_dir=str(tmp_path / "tmp"), unique_id="9")
    made = pushed(tmp_path, monkeypatch, context=context)
    assert made.get_int_custom_property("pushed") == 1
    card = tmp_path / "root" / "served" / "tiny" / "1" / MODEL_CARD
    assert card.exists() is left
    if left:
        assert card.read_text() == '{"metrics": {}}'


def test_a_model_that_is_a_version_already_is_not_pushed_again(tmp_path, monkeypatch):
    pushed(tmp_path, monkeypatch)
    again = pushed(tmp_path, monkeypatch, number=9)
    assert again.get_int_custom_property("pushed") == 0
    assert again.get_string_custom_property("reason") == "this model is version 1 already"
    other = pushed(tmp_path, monkeypatch, content="two", champion=True)
    assert other.get_string_custom_property("pushed_version") == "2"
    card = tmp_path / "root" / "served" / "tiny" / "2" / "assets.extra" / "version.json"
    assert json.loads(card.read_text())["champion_metrics"] == {"auc": 0.7}
    assert json.loads(card.read_text())["first"] is False


def test_a_version_waits_where_approval_is_required(tmp_path, monkeypatch):
    folder = tmp_path / "root" / "served" / "tiny"
    pushed(tmp_path, monkeypatch)
    held = pushed(tmp_path, monkeypatch, content="two", number=8, refit=1, approval="required")
    assert held.get_int_custom_property("pushed") == 0
    assert held.get_string_custom_property("pushed_version") == ""
    assert held.get_string_custom_property("waiting_version") == "2"
    assert held.get_string_custom_property("reason") == "version 2 waits for approval"
    # What the next run's champion is found by.
    assert held.get_int_custom_property("model_id") == 8
    assert held.get_int_custom_property("judged_model_id") == 3
    assert held.get_string_custom_property("problem") == '{"p": 1}'
    assert (live(folder), waiting(folder).metrics) == (1, {"auc": 0.8})
    again = pushed(tmp_path, monkeypatch, content="two", approval="required")
    assert again.get_string_custom_property("waiting_version") == "2"
    approve(folder, 2)
    known = pushed(tmp_path, monkeypatch, content="two", approval="required")
    assert known.get_string_custom_property("reason") == "this model is version 2 already"
    assert known.get_string_custom_property("waiting_version") == ""


def test_a_rejected_model_does_not_wait_again(tmp_path, monkeypatch):
    folder = tmp_path / "root" / "served" / "tiny"
    pushed(tmp_path, monkeypatch, approval="required")
    reject(folder, 1)
    again = pushed(tmp_path, monkeypatch, approval="required")
    assert again.get_string_custom_property("reason") == "this model was rejected as version 1"
    assert again.get_string_custom_property("waiting_version") == ""
    assert waiting(folder) is None


def test_old_versions_are_deleted_but_never_the_live_one(tmp_path, monkeypatch):
    folder = tmp_path / "root" / "served" / "tiny"
    for content in ("one", "two"):
        pushed(tmp_path, monkeypatch, content=content)
    rollback(folder)
    for content in ("three", "four", "five"):
        pushed(tmp_path, monkeypatch, content=content)
    assert sorted(each.name for each in folder.iterdir() if each.is_dir()) == ["4", "5"]
    rollback(folder)
    pushed(tmp_path, monkeypatch, content="six")
    assert sorted(each.name for each in folder.iterdir() if each.is_dir()) == ["4", "5", "6"]


def test_a_refit_is_pushed_with_its_own_answers_and_with_how_the_judged_ones_are_spread(
    tmp_path, monkeypatch
):
    made = pushed(tmp_path, monkeypatch, refit=1)
    assert made.get_int_custom_property("model_id") == 7
    assert made.get_int_custom_property("judged_model_id") == 3
    version = tmp_path / "root" / "served" / "tiny" / "1"
    card = json.loads((version / "assets.extra" / "version.json").read_text())
    assert card["refit"] is True and card["metrics"] == {"auc": 0.8}
    assert (version / "assets.extra" / "check_rows.json").read_text() == '{"rows": {}}'
    # Monitoring compares live answers with these; of rows that it has seen a refit is too sure.
    assert (version / SCORES).read_text() == '{"probability": [0.5]}'


def test_a_refit_that_is_refused_is_not_pushed_nor_the_model_before_it(tmp_path, monkeypatch):
    made = pushed(tmp_path, monkeypatch, refit=0)
    assert made.get_int_custom_property("pushed") == 0
    assert made.get_string_custom_property("reason") == "the refit check refused the model"
    assert not (tmp_path / "root").exists()
    # As well where the gates before were passed over.
    refused = pushed(tmp_path / "other", monkeypatch, serves=0, refit=1)
    assert refused.get_string_custom_property("reason") == "the serving check refused the model"
