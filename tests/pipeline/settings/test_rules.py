"""Rules that span several keys: thresholds and label, metrics and task, shares of the splits."""

import pytest

from beltline.pipeline.settings.reading import read_project
from tests.pipeline.components.small import SETTINGS, write
from tests.pipeline.settings.wrong import with_lines, wrong


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "auc: {lower: 0.6}",
            "auk: {lower: 0.6}",
            "pipeline.yaml:13: evaluation.thresholds.auk: invalid value 'auk': allowed: "
            "auc, pr_auc, f1, accuracy, macro_f1, rmse, mae, r2; did you mean 'auc'?",
        ),
        ("lower: 0.6", "", "pipeline.yaml:13: evaluation.thresholds.auc: set `lower`, `upper`"),
        (
            "lower: 0.6",
            "lowest: 0.6",
            "13: evaluation.thresholds.auc.lowest: unknown key; did you mean 'lower'?",
        ),
        (
            "lower: 0.6",
            "lower: 0.9, upper: 0.6",
            "pipeline.yaml:13: evaluation.thresholds.auc: `lower` is above `upper`",
        ),
        (
            "auc: {lower: 0.6}",
            "rmse: {upper: 2}",
            "invalid metric 'rmse' for a binary label: allowed: auc, pr_auc, f1, accuracy",
        ),
        ("  positive: scrap\n", "", "pipeline.yaml:5: label: `positive` is required for a binary"),
        (
            "task: binary",
            "task: regression",
            "pipeline.yaml:5: label: `positive` is required for a binary label, and allowed only",
        ),
        (
            "task: binary",
            "task: bin",
            "invalid value 'bin': allowed: binary, multiclass, regression; did you",
        ),
    ],
)
def test_thresholds_and_label_must_make_sense(tmp_path, old, new, message):
    assert message in wrong(write(tmp_path, SETTINGS.replace(old, new)))


def test_a_metric_of_another_task_names_the_place_where_it_stands(tmp_path):
    text = SETTINGS.replace("thresholds:\n    auc: {lower: 0.6}", "metrics: [auc, r2]")
    assert wrong(write(tmp_path, text)).startswith(
        "pipeline.yaml:12: evaluation.metrics.1: invalid metric 'r2'"
    )
    champion = with_lines("  champion: {metric: mae}")
    assert wrong(write(tmp_path, champion)).startswith(
        "pipeline.yaml:14: evaluation.champion.metric: invalid metric 'mae'"
    )


@pytest.mark.parametrize(
    ("splits", "message"),
    [
        ("{train: 0.8}", "train, validation and eval must sum to 1"),
        ("{train: 1, validation: 0, eval: 0}", "Input should be less than 1"),
        ("{train: 0.7, test: 0.3}", "data.splits.test: unknown key (allowed: train, "),
    ],
)
def test_splits_add_up(tmp_path, splits, message):
    text = SETTINGS.replace("path: data.csv", f"path: data.csv\n  splits: {splits}")
    said = wrong(write(tmp_path, text))
    assert message in said
    assert said.startswith("pipeline.yaml:4: data.splits")


@pytest.mark.parametrize(
    ("split_by", "message"),
    [
        ("5", "data.split_by: must be a string, got 5; quote it"),
        ("[mold]", "data.split_by: Input should be a valid string, got ['mold']"),
        ("{tim: at}", "data.split_by.tim: unknown key; did you mean 'time'? (allowed: time, gap)"),
        ("{gap: 0.1}", "data.split_by.time: required key is missing"),
        ("{time: 5}", "data.split_by.time: must be a string, got 5"),
        ("{time: at, gap: -1}", "data.split_by.gap: Input should be greater than or equal to 0"),
        ("{time: at, gap: 0.1}", "data.split_by.gap: leaves no rows of a split: must be below 0.1"),
    ],
)
def test_a_split_is_by_a_value_or_by_time(tmp_path, split_by, message):
    text = SETTINGS.replace("path: data.csv", f"path: data.csv\n  split_by: {split_by}")
    said = wrong(write(tmp_path, text))
    assert message in said
    assert all(line.startswith("pipeline.yaml:4: data.split_by") for line in said.splitlines())


def test_the_column_and_the_gap_of_a_split(tmp_path):
    file = write(tmp_path, SETTINGS)
    found = {
        override: read_project(file, [override]).settings.data
        for override in ("data.split_by=mold", "data.split_by.time=at", "data.split_by=")
    }
    assert [data.split_column for data in found.values()] == ["mold", "at", None]
    assert [data.time_gap for data in found.values()] == [None, 0.0, None]


def test_splits_with_a_rounding_error_are_taken(tmp_path):
    text = SETTINGS.replace(
        "path: data.csv", "path: data.csv\n  splits: {train: 0.7, eval: 0.1, validation: 0.2}"
    )
    assert read_project(write(tmp_path, text)).settings.data.splits.validation == 0.2


@pytest.mark.parametrize("key", ["[text]", "[section]"])
def test_an_unknown_key_may_be_called_like_a_step_of_pydantic(tmp_path, key):
    assert f"{key}: unknown key" in wrong(write(tmp_path), f"{key}=1")


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (
            ["data={path: a.csv, stratify: true, split_by: mold}"],
            "data.stratify: can't be combined with `split_by`",
        ),
        (
            ["data={path: a.csv, stratify: true, split_by: {time: at}}"],
            "data.stratify: can't be combined with `split_by`",
        ),
        (
            [
                "data.stratify=true",
                "label={column: temp, task: regression}",
                "evaluation={thresholds: {rmse: {upper: 1}}}",
            ],
            "data.stratify: requires a binary or multiclass label: a number has no classes",
        ),
        (["data.stratify=scrap"], "data.stratify: Input should be a valid boolean"),
    ],
)
def test_only_what_has_classes_is_stratified(tmp_path, overrides, message):
    assert message in wrong(write(tmp_path), *overrides)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("{mold: []}", "features.timestamps.mold: List should have at least 1 item"),
        ("{mold: [hours]}", "features.timestamps.mold.0: invalid value 'hours': allowed: hour, we"),
        ("{mold: hour}", "features.timestamps.mold: Input should be a valid list, got 'hour'"),
        ("[mold]", "features.timestamps: must be a section (a mapping of keys), got ['mold']"),
    ],
)
def test_the_parts_of_a_timestamp(tmp_path, value, message):
    assert message in wrong(write(tmp_path), f"features.timestamps={value}")
