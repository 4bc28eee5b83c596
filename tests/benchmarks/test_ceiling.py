"""The table of two processes that share nothing."""

from benchmarks.ceiling import section
from benchmarks.growth import Point


def point(seconds: float) -> Point:
    return Point(2_000, "direct", {"Transform": seconds}, {"Transform": 3.0}, 9.0, {}, "command")


def test_the_slower_of_two_counts() -> None:
    text = section(point(4.0), [point(4.5), point(5.0)])
    assert "| Transform | 4.0 | 3.0 | 5.0 | 3.0 | 1.60 |" in text
    assert "StatisticsGen" not in text, "a node that did not run has no line"
