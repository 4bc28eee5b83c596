"""The graph that the settings give; nothing runs."""

import dataclasses
import json

import pytest
from tfx.dsl.compiler import compiler

from beltline.pipeline.definition import create_pipeline
from beltline.pipeline.nodes import ABOUT
from beltline.pipeline.resolved import resolve
from tests.end_to_end.projects import NODES
from tests.pipeline.components.small import SCHEMA, project


def definition(folder, *overrides, code="c0de", schema=SCHEMA):
    changed = project(folder, *overrides, schema=schema)
    return create_pipeline(dataclasses.replace(resolve(changed), model_digest=code))


def nodes(folder, *overrides, code="c0de", schema=SCHEMA):
    """The compiled nodes by id."""
    compiled = compiler.Compiler().compile(definition(folder, *overrides, code=code, schema=schema))
    return {node.pipeline_node.node_info.id: node.pipeline_node for node in compiled.nodes}


def parameters(folder, *overrides, code="c0de", schema=SCHEMA):
    """Each node's execution properties, which are part of its cache key."""
    found = nodes(folder, *overrides, code=code, schema=schema)
    return {name: str(node.parameters) for name, node in found.items()}


def changed(folder, *overrides, code="c0de", schema=SCHEMA):
    """The nodes whose execution properties the overrides change."""
    before, after = parameters(folder), parameters(folder, *overrides, code=code, schema=schema)
    return {name for name in before if before[name] != after.get(name)}


def inputs(node):
    """Which node each input comes from."""
    return {
        name: channel.producer_node_query.id
        for name, given in node.inputs.inputs.items()
        for channel in given.channels
    }


def test_the_nodes_are_those_of_the_design_and_each_is_described(tmp_path):
    assert set(nodes(tmp_path)) == set(NODES)
    optional = ("Tuned", "Tuner", "Refit", "RefitCheck", "BulkInferrer")
    assert [name for name in ABOUT if name not in optional] == NODES


def test_a_tuner_only_where_it_is_wanted(tmp_path):
    found = nodes(tmp_path, "tuning.when=always")
    assert set(found) == {*NODES, "Tuner"}
    assert inputs(found["Trainer"])["hyperparameters"] == "Tuner"
    assert "hyperparameters" not in inputs(nodes(tmp_path)["Trainer"])


def test_what_an_earlier_run_has_tuned_is_used_where_that_is_wanted(tmp_path):
    found = nodes(tmp_path, "tuning.when=missing")
    assert set(found) == {*NODES, "Tuned", "Tuner"}
    assert inputs(found["Tuner"])["tuned"] == "Tuned"
    trainer = found["Trainer"]
    either = trainer.inputs.inputs["hyperparameters"].mixed_inputs.input_keys
    assert [inputs(trainer)[key] for key in either] == ["Tuned", "Tuner"]
    assert {"Tuned", "Tuner"} <= set(trainer.upstream_nodes)


@pytest.mark.parametrize(
    ("override", "same"),
    [
        ("training.seed=9", True),
        ("tuning.trials=3", True),
        ("features.include=[temp]", False),
        ("label.positive=ok", False),
        ("model.network_fn=beltline.models.network.output_layer", False),
    ],
)
def test_tuned_hyperparameters_are_for_one_problem(tmp_path, override, same):
    before, after = (
        nodes(tmp_path, "tuning.when=missing", *changes)["Tuned"] for changes in ([], [override])
    )
    assert (before.inputs == after.inputs) == same


def test_nothing_learns_before_the_data_have_passed_the_gate(tmp_path):
    found = nodes(tmp_path, "tuning.when=always")
    for learner in ("Tuner", "Trainer"):
        assert "DataGate" in found[learner].upstream_nodes


def test_nothing_is_pushed_before_both_gates(tmp_path):
    found = nodes(tmp_path)
    pushed = inputs(found["Pusher"])
    assert pushed["model_blessing"] == "Evaluator"
    assert pushed["infra_blessing"] == "ServingCheck"
    assert pushed["model"] == "Trainer"
    # They judge the same model and need not wait for each other.
    assert "Evaluator" not in found["ServingCheck"].upstream_nodes


def test_the_champion_is_compared_unless_it_is_switched_off(tmp_path):
    found = nodes(tmp_path)
    assert inputs(found["Evaluator"])["baseline_model"] == "Champion"
    assert inputs(found["Pusher"])["champion"] == "Champion"
    found = nodes(tmp_path, "evaluation.champion.enabled=false")
    assert set(found) == set(NODES) - {"Champion"}
    assert "baseline_model" not in inputs(found["Evaluator"])


def test_the_evaluator_and_the_serving_check_see_raw_rows_of_the_eval_split(tmp_path):
    found = nodes(tmp_path)
    assert inputs(found["Evaluator"])["examples"] == "ExampleGen"
    assert inputs(found["ServingCheck"])["examples"] == "ExampleGen"
    splits = found["Evaluator"].parameters.parameters["example_splits"]
    assert json.loads(splits.field_value.string_value) == ["eval"]
    assert "eval" not in str(found["Transform"].parameters.parameters["splits_config"])


@pytest.mark.parametrize(
    ("override", "nodes_changed"),
    [
        ("training.learning_rate=0.5", {"Trainer"}),
        ("model.hidden=[8]", {"Trainer"}),
        ("tuning.trials=3", set()),
        ("features.numbers=zscore", {"Transform", "Trainer"}),
        ("features.include=[temp]", {"Transform", "Trainer", "Pusher"}),
        ("features.exclude=[]", {"ExampleGen", "Pusher"}),
        ("data.splits={train: 0.6, validation: 0.2, eval: 0.2}", {"ExampleGen"}),
        ("data.unlabelled=drop", {"ExampleGen"}),
        # Without a key, the trees learn in folds.
        ("data.split_by=part", {"ExampleGen", "Trainer"}),
        ("data.split_by.time=part", {"ExampleGen", "Trainer"}),
        ("data.stratify=true", {"ExampleGen"}),
        ("data.span=7", {"ExampleGen"}),
        ("evaluation.thresholds.auc.lower=0.7", {"Evaluator"}),
        ("evaluation.slices=[mold]", {"Evaluator"}),
        ("push.check_rows=3", {"ServingCheck"}),
        ("push.directory=elsewhere", {"Pusher"}),
        ("resources={Trainer: {gpu: 1}}", set()),
        ("local.root=elsewhere", set()),
    ],
)
def test_a_changed_setting_changes_the_nodes_that_depend_on_it_alone(
    tmp_path, override, nodes_changed
):
    assert changed(tmp_path, override) == nodes_changed


def test_changed_model_code_changes_the_nodes_that_run_it(tmp_path):
    assert changed(tmp_path, code="other") == {"Transform", "Trainer", "Pusher"}
    tuned = parameters(tmp_path, "tuning.when=always")
    other = parameters(tmp_path, "tuning.when=always", code="other")
    assert tuned["Tuner"] != other["Tuner"]


def test_a_changed_search_changes_the_tuner_alone(tmp_path):
    before = parameters(tmp_path, "tuning.when=always")
    after = parameters(tmp_path, "tuning.when=always", "tuning.trials=3")
    assert {name for name in before if before[name] != after[name]} == {"Tuner"}


def test_a_changed_schema_changes_its_node(tmp_path):
    before = parameters(tmp_path)
    schema = SCHEMA.replace("min_fraction: 0.9", "min_fraction: 0.8")
    after = parameters(tmp_path, schema=schema)
    assert {name for name in before if before[name] != after[name]} == {"Schema"}


def test_an_excluded_column_is_read_where_a_slice_or_the_split_needs_it(tmp_path):
    def excluded(*overrides):
        found = nodes(tmp_path, *overrides)["ExampleGen"].parameters.parameters["exclude"]
        return json.loads(found.field_value.string_value)

    assert excluded() == ["part"]
    assert excluded("features.exclude=[part, mold]", "evaluation.slices=[mold]") == ["part"]


PREDICT = "predict={path: new.csv, output: p.csv}"


def test_rows_are_predicted_after_the_push_where_that_is_wanted(tmp_path):
    assert "BulkInferrer" not in nodes(tmp_path)
    found = nodes(tmp_path, PREDICT)
    assert set(found) == {*NODES, "BulkInferrer"}
    inferrer = found["BulkInferrer"]
    # It needs no artifact of the push: where there is none, the live version predicts.
    assert (list(inferrer.upstream_nodes), inputs(inferrer)) == (["Pusher"], {})
    assert ABOUT["BulkInferrer"].after_skipped
    assert not any(about.after_skipped for name, about in ABOUT.items() if name != "BulkInferrer")


@pytest.mark.parametrize(
    ("override", "nodes_changed"),
    [
        ("predict.output=q.csv", {"BulkInferrer"}),
        ("predict.keep=[part]", {"BulkInferrer"}),
        ("predict.path=newer.csv", {"BulkInferrer"}),
        ("push.directory=elsewhere", {"Pusher", "BulkInferrer"}),
        ("training.seed=9", {"Trainer"}),
        # No placeholder, and so no parameter either.
        ("data.span=7", {"ExampleGen"}),
    ],
)
def test_a_changed_setting_of_the_predictions_changes_their_node(tmp_path, override, nodes_changed):
    before, after = parameters(tmp_path, PREDICT), parameters(tmp_path, PREDICT, override)
    assert {name for name in before if before[name] != after[name]} == nodes_changed


REFIT = "training.refit=after_blessing"


def test_a_refit_learns_from_all_splits_once_the_gates_have_judged(tmp_path):
    found = nodes(tmp_path, REFIT, "tuning.when=always")
    assert set(found) == {*NODES, "Tuner", "Refit", "RefitCheck"}
    refit = found["Refit"]
    assert {"Evaluator", "ServingCheck"} <= set(refit.upstream_nodes)
    # A new champion, and so a new blessing, is no reason to train again.
    judged = inputs(found["Trainer"]) | {"base_model": "Trainer"}
    assert inputs(refit) == judged and judged["hyperparameters"] == "Tuner"
    given = refit.parameters.parameters
    splits = json.loads(given["train_args"].field_value.string_value)["splits"]
    assert splits == ["train", "validation", "eval"]
    transformed = found["Transform"].parameters.parameters["splits_config"]
    assert json.loads(transformed.field_value.string_value) == {
        "analyze": ["train"],
        "transform": splits,
    }
    for name in ("custom_config", "run_fn"):
        assert given[name] == found["Trainer"].parameters.parameters[name]


def test_the_refit_is_what_is_checked_and_pushed(tmp_path):
    found = nodes(tmp_path, REFIT)
    checked = inputs(found["RefitCheck"])
    assert checked == {"model": "Refit", "judged_model": "Trainer", "examples": "ExampleGen"}
    pushed = inputs(found["Pusher"])
    assert (pushed["model"], pushed["judged_model"]) == ("Refit", "Trainer")
    gates = ("model_blessing", "infra_blessing", "refit_blessing")
    assert [pushed[gate] for gate in gates] == ["Evaluator", "ServingCheck", "RefitCheck"]
    assert (
        inputs(found["Evaluator"])["model"] == inputs(found["ServingCheck"])["model"] == "Trainer"
    )


def test_a_refit_changes_nothing_that_is_trained_before_it(tmp_path):
    assert changed(tmp_path, REFIT) == {"Transform"}
