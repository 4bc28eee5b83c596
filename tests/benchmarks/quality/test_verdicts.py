"""Targets: each at its edge."""

from dataclasses import replace

import pytest

from benchmarks.quality.score_files import Pair
from benchmarks.quality.verdicts import verdicts
from tests.benchmarks.quality.pairs import binary


def several(ours: float, theirs: float) -> Pair:
    metrics = dict.fromkeys(("auc", "log loss", "ece", "ece by chance"), 0.5)
    pair = binary(0.5, {})
    return replace(
        pair,
        ours={**metrics, "macro f1": ours},
        peers={"A": {**metrics, "macro f1": theirs}},
        task="multiclass",
    )


def line(lines: list[str], begin: str) -> str:
    [found] = [line for line in lines if line.startswith(begin)]
    return found


@pytest.mark.parametrize(("better", "worse"), [(0.004, "missed"), (0.006, "met")])
def test_the_mean_is_over_sets_and_not_over_splits(better: float, worse: str) -> None:
    found = {
        "wine": [binary(0.9 + better, {"A": 0.9})],
        "iris": [binary(0.895, {"A": 0.9}), binary(0.895, {"A": 0.9})],
    }
    lines = verdicts(found)
    assert line(lines, "AUC or R², mean").endswith(f"(target: at least 0, {worse})")
    assert "iris: -0.0050" in line(lines, "AUC or R² of the worst")


@pytest.mark.parametrize(("ours", "verdict"), [(0.8951, "met"), (0.8949, "missed")])
def test_no_set_is_worse_than_the_limit(ours: float, verdict: str) -> None:
    found = {"wine": [binary(0.99, {"A": 0.9})], "iris": [binary(ours, {"A": 0.9})]}
    assert line(verdicts(found), "AUC or R² of the worst").endswith(f"{verdict})")


def test_rare_classes_are_judged_by_the_area_under_precision_and_recall() -> None:
    rare = binary(0.9, {"A": 0.9}, rarest=0.03, **{"pr-auc": 0.88})
    lines = verdicts({"rare": [rare], "even": [binary(0.9, {"A": 0.9}, **{"pr-auc": 0.99})]})
    assert "-0.0200 (target: at least 0, missed)" in line(lines, "PR-AUC")
    assert not any("PR-AUC" in each for each in verdicts({"even": [binary(0.9, {"A": 0.8})]}))


@pytest.mark.parametrize(("ours", "verdict"), [(0.7, "met"), (0.69, "missed")])
def test_several_classes_are_judged_by_f1_too(ours: float, verdict: str) -> None:
    assert verdict in line(verdicts({"wine": [several(ours, 0.7)]}), "Macro-F1")


@pytest.mark.parametrize(
    ("ece", "rows", "verdict"),
    [(0.02, 5_000, "met"), (0.021, 5_000, "missed"), (0.5, 4_999, None)],
)
def test_probabilities_are_judged_where_there_are_rows(
    ece: float, rows: int, verdict: str | None
) -> None:
    lines = verdicts({"taxi": [binary(0.9, {"A": 0.8}, rows=rows, ece=ece)]})
    found = [each for each in lines if each.startswith("Expected calibration error")]
    assert [f"{verdict})" in each for each in found] == ([] if verdict is None else [True])
