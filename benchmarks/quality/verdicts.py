"""Which targets a comparison meets."""

import statistics
from collections.abc import Iterable, Mapping, Sequence

from benchmarks.quality.comparison import deciding, difference
from benchmarks.quality.score_files import Pair

MEAN_AT_LEAST = 0.0
EACH_AT_LEAST = -0.005
ECE_AT_MOST = 0.02
ECE_FROM_ROWS = 5_000
RARE = 0.1
"""A class with a smaller share of the rows is rare."""

Found = Mapping[str, Sequence[Pair]]
"""The splits of each set."""


def verdicts(found: Found) -> list[str]:
    """Returns a line for each target that the sets say something about."""
    each = {name: difference(pairs, deciding(pairs[0])).mean for name, pairs in found.items()}
    lowest = min(each, key=lambda name: each[name])
    lines = [
        _at_least("AUC or R², mean of all sets", each.values(), MEAN_AT_LEAST),
        f"AUC or R² of the worst set, {lowest}: {each[lowest]:+.4f} "
        f"{_judged(each[lowest] >= EACH_AT_LEAST, f'at least {EACH_AT_LEAST}')}",
    ]
    rare = [difference(pairs, "pr-auc").mean for pairs in found.values() if is_rare(pairs[0])]
    if rare:
        lines.append(_at_least("PR-AUC, mean of the sets with a rare class", rare, 0.0))
    several = [
        difference(pairs, "macro f1").mean
        for pairs in found.values()
        if pairs[0].task == "multiclass"
    ]
    if several:
        lines.append(_at_least("Macro-F1, mean of the sets with several classes", several, 0.0))
    return [*lines, *_calibration(found)]


def is_rare(pair: Pair) -> bool:
    """Returns whether a set has two classes, one of them rare."""
    return pair.task == "binary" and pair.rarest is not None and pair.rarest < RARE


def is_calibration_judged(pair: Pair) -> bool:
    """Returns whether a set has probabilities, and rows enough to judge them."""
    return pair.task != "regression" and pair.rows >= ECE_FROM_ROWS


def _calibration(found: Found) -> list[str]:
    errors = {
        name: statistics.mean(pair.ours["ece"] for pair in pairs)
        for name, pairs in found.items()
        if is_calibration_judged(pairs[0])
    }
    if not errors:
        return []
    worst = max(errors, key=lambda name: errors[name])
    said = _judged(errors[worst] <= ECE_AT_MOST, f"at most {ECE_AT_MOST}")
    chance = statistics.mean(pair.ours["ece by chance"] for pair in found[worst])
    return [
        f"Expected calibration error of the worst set of {ECE_FROM_ROWS:,} rows or more, "
        f"{worst}: {errors[worst]:.4f} {said}; it would be {chance:.4f} on as many rows if the "
        "probabilities were right"
    ]


def _at_least(what: str, each: Iterable[float], least: float) -> str:
    mean = statistics.mean(each)
    return f"{what}: {mean:+.4f} {_judged(mean >= least, f'at least {least:g}')}"


def _judged(met: bool, target: str) -> str:
    return f"(target: {target}, {'met' if met else 'missed'})"
