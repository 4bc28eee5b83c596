"""The section of RESULTS.md, and the published scores in it."""

import pytest

from benchmarks.quality.published import PUBLISHED, is_near, published
from benchmarks.quality.score_files import Pair
from benchmarks.quality.scores import Metrics
from benchmarks.quality.section import section
from tests.benchmarks.quality.pairs import binary


def prices(*errors: float) -> list[Pair]:
    peers = {peer: {"r2": 0.8, "rmse": 3.0} for peer in "AB"}
    return [
        Pair({"r2": 0.9, "rmse": error, "seconds": 2.0}, peers, "regression", 506, None)
        for error in errors
    ]


def ours(pairs: list[Pair]) -> list[Metrics]:
    return [pair.ours for pair in pairs]


def test_a_line_has_every_peer_and_the_difference_to_the_best() -> None:
    pairs = [
        binary(0.9, {"A": 0.8, "B": 0.7}, rows=5_000, rarest=0.05),
        binary(0.9, {"A": 0.6, "B": 0.8}, rows=5_000, rarest=0.05),
    ]
    text = section({"wine": pairs, "boston": prices(2.0, 3.0)}, "make bench-quality")
    start = "| wine | 5,000 | 2 | 0.7000 | 0.7500 | 0.9000 | +0.1500 | -0.4853 to +0.7853 |"
    assert f"{start} -1.4 | 3.0 |" in text
    assert "| wine | pr-auc | 0.9000 | B | 0.7500 | +0.1500 | -0.4853 to +0.7853 |" in text
    assert "| wine | ece | 0.9000 | A | 0.7000 | -0.2000 |" in text
    assert "- AUC or R², mean of all sets: +0.1250 (target: at least 0, met)" in text
    assert "beside A and B" in text


def test_one_split_is_shown_without_an_interval() -> None:
    text = section({"wine": [binary(0.9, {"A": 0.8})]}, "make bench-quality")
    assert "| wine | 1,000 | 1 | 0.8000 | 0.9000 | +0.1000 |  |  | 3.0 |" in text


@pytest.mark.parametrize(("errors", "near"), [((3.0, 3.4), False), ((2.9, 3.3), True)])
def test_a_published_loss_is_compared_in_deviations_of_ours(
    errors: tuple[float, float], near: bool
) -> None:
    # The mean is 0.38, or 0.28, above 2.82, and the standard deviation 0.283.
    assert is_near(PUBLISHED["boston"], ours(prices(*errors))) is near


def test_half_of_the_published_scores_must_be_near() -> None:
    near = ours(prices(2.8, 3.0))
    [_, lines, verdict] = published({"boston": near, "wine": ours(prices(1.0, 1.0))})
    assert "| boston | rmse | 2.9 | 0.14 | 2.88 | 2.82 | yes |" in lines and "wine" not in lines
    assert "1 of 1 (target: at least half, met)" in verdict
    churn = ours([binary(0.8, {"A": 0.9}), binary(0.8001, {"A": 0.9})])
    assert "1 of 2" in published({"boston": near, "churn": churn})[2]
    assert "0 of 1 (target: at least half, missed)" in published({"churn": churn})[2]
    assert published({"churn": churn[:1], "wine": churn}) == []
