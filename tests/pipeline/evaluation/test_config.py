"""Thresholds, margins and values, judged by the real Evaluator; scikit-learn has the last word."""

import re

import numpy as np
import pytest
from sklearn import metrics as sk
from tensorflow_model_analysis.utils import config_util

from beltline.pipeline.evaluation.config import deciding_metric, eval_config
from beltline.pipeline.evaluation.results import BASELINE, CANDIDATE, by_slice, overall
from tests.pipeline.components.judged import judge, settings_of

ROWS = 300
RNG = np.random.default_rng(3)
CLASS = RNG.integers(0, 2, ROWS)
PROBABILITY = np.float32(np.clip(0.3 * CLASS + 0.7 * RNG.random(ROWS), 0, 1))
WORSE = np.float32(0.5 * PROBABILITY + 0.3 * RNG.random(ROWS))
NUMBER = np.float32(RNG.normal(5, 2, ROWS))
GUESS = np.float32(NUMBER + RNG.normal(0, 1, ROWS))


def binary(probability=PROBABILITY, champion=PROBABILITY):
    return [
        {
            "label_index": label,
            "probability": p,
            "decision": p > 0.6,
            "champion_probability": c,
            "champion_decision": c > 0.6,
            "mold": "AB"[index % 2],
        }
        for index, (label, p, c) in enumerate(zip(CLASS, probability, champion, strict=True))
    ]


def regression(guess=GUESS, champion=GUESS):
    return [
        {"label_index": y, "prediction": p, "champion_prediction": c}
        for y, p, c in zip(NUMBER, guess, champion, strict=True)
    ]


def verdict(folder, settings, rows, champion=False):
    """Whether the model was blessed, and the reason if not."""
    _, blessing = judge(folder, settings, rows, champion)
    blessed = blessing.get_int_custom_property("blessed") == 1
    reason = blessing.get_string_custom_property("reason")
    assert blessed == (not reason)
    assert blessing.get_int_custom_property("compared_with_champion") == champion
    return blessed, reason


def assert_refused(blessing, reached, bound):
    """Whether the reason says what was reached, its interval, and what was needed."""
    reason = blessing.get_string_custom_property("reason")
    assert re.fullmatch(rf"{re.escape(reached)} \(95 %: [0-9.]+ to [0-9.]+\), {bound}", reason)


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
@pytest.mark.parametrize("champion", [True, False])
def test_the_configuration_is_one_that_tfma_takes(task, champion):
    config = eval_config(settings_of(task, champion={"enabled": champion}, slices=["mold"]))
    config_util.verify_eval_config(config)
    assert [spec.name for spec in config.model_specs] == [CANDIDATE, BASELINE][: 1 + champion]
    assert [list(spec.feature_keys) for spec in config.slicing_specs] == [[], ["mold"]]


def test_the_deciding_metric_is_computed_whatever_the_list_says():
    settings = settings_of("binary", metrics=["f1"], thresholds={"accuracy": {"lower": 0.5}})
    names = [m.config for spec in eval_config(settings).metrics_specs for m in spec.metrics]
    assert {
        name for name in ("auc", "f1", "accuracy", "pr_auc") if any(name in n for n in names)
    } == {
        "auc",
        "f1",
        "accuracy",
    }
    assert deciding_metric(settings) == "auc"
    assert deciding_metric(settings_of("regression")) == "rmse"
    assert deciding_metric(settings_of("binary", champion={"metric": "f1"})) == "f1"


@pytest.mark.slow
def test_binary_metrics_are_those_of_scikit_learn(tmp_path):
    settings = settings_of("binary", slices=["mold"], thresholds={"auc": {"lower": 0.5}})
    evaluation, blessing = judge(tmp_path, settings, binary())
    decided = PROBABILITY > 0.6
    assert overall(evaluation.uri, CANDIDATE) == pytest.approx(
        {
            "rows": ROWS,
            "auc": sk.roc_auc_score(CLASS, PROBABILITY),
            "pr_auc": sk.average_precision_score(CLASS, PROBABILITY),
            "f1": sk.f1_score(CLASS, decided),
            "accuracy": sk.accuracy_score(CLASS, decided),
            "calibration": PROBABILITY.sum() / CLASS.sum(),
        },
        # TFMA interpolates the curve of precision and recall, scikit-learn does not.
        abs=2e-3,
    )
    # As many thresholds as TFMA counts at leave the area under the curve exact to 1e-4.
    auc = overall(evaluation.uri, CANDIDATE)["auc"]
    assert auc == pytest.approx(sk.roc_auc_score(CLASS, PROBABILITY), abs=1e-4)
    slices = dict(by_slice(evaluation.uri, CANDIDATE))
    assert slices["mold=B"]["auc"] == pytest.approx(
        sk.roc_auc_score(CLASS[1::2], PROBABILITY[1::2]), abs=1e-4
    )
    assert blessing.get_int_custom_property("blessed") == 1


@pytest.mark.slow
def test_multiclass_metrics_are_those_of_scikit_learn(tmp_path):
    classes = RNG.integers(0, 3, ROWS)
    shares = np.float32(RNG.dirichlet([1, 1, 1], ROWS) + 0.5 * np.eye(3)[classes])
    shares /= shares.sum(axis=1, keepdims=True)
    chosen = shares.argmax(axis=1)
    rows = [
        {"label_index": y, "probabilities": p, "decision": np.eye(3)[c]}
        for y, p, c in zip(classes, shares, chosen, strict=True)
    ]
    settings = settings_of("multiclass", thresholds={"macro_f1": {"lower": 0.999}})
    evaluation, blessing = judge(tmp_path, settings, rows)
    values = overall(evaluation.uri, CANDIDATE)
    assert values == pytest.approx(
        {
            "rows": ROWS,
            "accuracy": sk.accuracy_score(classes, chosen),
            "macro_f1": sk.f1_score(classes, chosen, average="macro"),
            # Over all pairs of a row and a class: scikit-learn's micro average.
            "auc": sk.roc_auc_score(np.eye(3)[classes], shares, average="micro"),
        },
        abs=1e-4,
    )
    assert_refused(blessing, f"macro_f1 is {values['macro_f1']:.4g}", "must be at least 0.999")


@pytest.mark.slow
def test_regression_metrics_are_those_of_scikit_learn(tmp_path):
    settings = settings_of("regression", thresholds={"rmse": {"upper": 0.5}, "r2": {"lower": 0.1}})
    evaluation, blessing = judge(tmp_path, settings, regression())
    values = overall(evaluation.uri, CANDIDATE)
    assert values == pytest.approx(
        {
            "rows": ROWS,
            "rmse": sk.root_mean_squared_error(NUMBER, GUESS),
            "mae": sk.mean_absolute_error(NUMBER, GUESS),
            "r2": sk.r2_score(NUMBER, GUESS),
        },
        rel=1e-5,
    )
    assert_refused(blessing, f"rmse is {values['rmse']:.4g}", "must be at most 0.5")


@pytest.mark.slow
def test_a_first_model_without_any_threshold_is_refused(tmp_path):
    blessed, reason = verdict(tmp_path, settings_of("binary"), binary())
    assert not blessed
    assert reason == "no threshold is set, so nothing shows that the model is good"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("margin", "probability", "champion", "blessed"),
    [
        (0.0, PROBABILITY, PROBABILITY, True),  # exactly as good
        (0.0, WORSE, PROBABILITY, False),
        (0.001, PROBABILITY, PROBABILITY, False),
    ],
)
def test_a_higher_metric_must_reach_the_champions_plus_the_margin(
    tmp_path, margin, probability, champion, blessed
):
    settings = settings_of("binary", champion={"margin": margin})
    got, reason = verdict(tmp_path, settings, binary(probability, champion), champion=True)
    assert got == blessed
    assert blessed or (reason.startswith("auc is ") and f"at least {margin:+.4g}" in reason)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("margin", "error", "champion_error", "blessed"),
    [
        (0.0, 0.0, 0.0, True),  # exactly as good
        (0.1, 0.0, 2.0, True),
        (0.1, 0.0, 0.0, False),
    ],
)
def test_a_lower_metric_must_go_below_the_champions_by_the_margin(
    tmp_path, margin, error, champion_error, blessed
):
    settings = settings_of("regression", champion={"metric": "rmse", "margin": margin})
    rows = regression(GUESS + np.float32(error), GUESS + np.float32(champion_error))
    got, reason = verdict(tmp_path, settings, rows, champion=True)
    assert got == blessed
    assert blessed or (reason.startswith("rmse is ") and f"at most {-margin + 0.0:+.4g}" in reason)


@pytest.mark.slow
def test_what_is_not_a_number_passes_no_threshold(tmp_path):
    guess = GUESS.copy()
    guess[0] = np.nan
    settings = settings_of("regression", thresholds={"r2": {"lower": -1e9}, "mae": {"upper": 1e9}})
    blessed, reason = verdict(tmp_path, settings, regression(guess), champion=True)
    assert not blessed
    assert "r2 is nan, must be at least -1e+09" in reason
    assert "rmse can't be compared with the champion's" in reason


@pytest.mark.slow
def test_a_probability_that_is_not_a_number_stops_the_evaluation(tmp_path):
    probability = PROBABILITY.copy()
    probability[0] = np.nan
    settings = settings_of("binary", thresholds={"auc": {"lower": 0.0}})
    with pytest.raises(RuntimeError, match="add_input failed"):
        judge(tmp_path, settings, binary(probability))
    assert not list((tmp_path / "blessing").iterdir())


@pytest.mark.slow
def test_thresholds_of_slices_hold_the_slices_and_others_do_not(tmp_path):
    probability = PROBABILITY.copy()
    probability[1::2] = probability[1::2][::-1]
    bad_slice = binary(probability)
    settings = settings_of("binary", slices=["mold"], thresholds={"auc": {"lower": 0.6}})
    assert verdict(tmp_path / "a", settings, bad_slice)[0]
    settings = settings_of(
        "binary",
        slices=["mold"],
        thresholds={"auc": {"lower": 0.6}},
        slice_thresholds={"auc": {"lower": 0.65}},
    )
    blessed, reason = verdict(tmp_path / "b", settings, bad_slice)
    assert not blessed
    assert reason.startswith("auc for mold=B is 0.")
    assert "mold=A" not in reason
