"""A column's distribution as bars: the reference's deciles, or the most frequent values."""

from tensorflow_metadata.proto.v0.statistics_pb2 import FeatureNameStatistics as Feature

from beltline.serving.monitoring.counting import Numbers, deciles, is_number
from beltline.serving.monitoring.novelty import frequencies
from beltline.serving.monitoring.report import Bar

_MOST = 10
REST = "all others"


def bars(reference: Feature, live: Feature, numbers: Numbers) -> list[Bar]:
    """Returns the shares of ranges or values; none where either has no values.

    `numbers` are the live values of a number, without what is missing.
    """
    if is_number(reference):
        return _ranges(reference, numbers)
    return _values(frequencies(reference), frequencies(live))


def _ranges(reference: Feature, numbers: Numbers) -> list[Bar]:
    buckets = deciles(reference)
    if buckets is None or not len(numbers):
        return []
    # Of whole numbers a bucket begins after the one before.
    step = 1 if reference.type == Feature.INT else 0
    lows = [buckets.least, *(border + step for border in buckets.borders[:-1])]
    of_reference = buckets.rows / buckets.rows.sum()
    of_live = buckets.counts(numbers) / len(numbers)
    return [
        Bar(_number(low) if low == high else f"{_number(low)} to {_number(high)}", *shares)
        for low, high, *shares in zip(lows, buckets.borders, of_reference, of_live, strict=True)
    ]


def _number(value: float) -> str:
    return f"{value:,.0f}" if 10_000 <= abs(value) < 1e9 else f"{value:.4g}"


def _values(reference: dict[str, float], live: dict[str, float]) -> list[Bar]:
    if not reference or not live:
        return []
    of_reference, of_live = sum(reference.values()), sum(live.values())
    found = [
        Bar(label, reference.get(label, 0.0) / of_reference, live.get(label, 0.0) / of_live)
        for label in reference | live
    ]
    found.sort(key=lambda bar: -max(bar.reference, bar.live))
    shown, rest = found[:_MOST], found[_MOST:]
    if rest:
        shown.append(Bar(REST, sum(b.reference for b in rest), sum(b.live for b in rest)))
    return shown
