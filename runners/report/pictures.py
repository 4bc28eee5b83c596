"""Which charts the page has: what each shows, in a title, a sentence, and series."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from beltline.runners.report.charts import Chart, Series

_DIAGONAL = [(0.0, 0.0), (1.0, 1.0)]
_NAMES = {"candidate": "this model", "baseline": "champion"}


def training(curve: Mapping[str, Any]) -> Chart:
    """Returns the losses of one learner's training, as `curves_in` has them."""
    splits = [split for split in ("train", "validation") if curve[split]]
    ends = [f"{split} {curve[split][-1][1]:.4g}" for split in splits]
    return Chart(
        title=f"Loss of {curve['learner'] or 'the model'} while it was trained",
        about=f"At the end: {', '.join(ends)}.",
        across="trees" if curve["learner"].endswith("trees") else "epoch",
        up="loss",
        series=[Series(split, curve[split]) for split in splits],
    )


def curves(found: Mapping[str, Any]) -> Iterator[Chart]:
    """Yields the charts of an evaluation, from what `read_curves` returns."""
    models = {_NAMES[model]: found[model] for model in _NAMES if found.get(model)}
    candidate = found.get("candidate", {})
    if "roc" in candidate:
        yield _roc(models, candidate)
        yield _precision_recall(models, candidate)
        yield _calibration(models)
    if found.get("answers"):
        yield from _answers(found["answers"])


def _roc(models: Mapping[str, Any], candidate: Mapping[str, Any]) -> Chart:
    hits, alarms, misses, rest = candidate["decisions"]
    mark = (alarms / (alarms + rest), hits / (hits + misses))
    return Chart(
        title="ROC curve",
        about=f"At the threshold, {mark[1]:.1%} of the positives are found, and {mark[0]:.1%} of "
        "the negatives are taken for positives.",
        across="false positive rate",
        up="true positive rate",
        series=[*_of(models, "roc"), Series("chance", _DIAGONAL, "dashed"), _mark(mark)],
        limits=(0, 1),
    )


def _precision_recall(models: Mapping[str, Any], candidate: Mapping[str, Any]) -> Chart:
    hits, alarms, misses, _ = candidate["decisions"]
    mark = (hits / (hits + misses), hits / (hits + alarms)) if hits else None
    return Chart(
        title="Precision and recall",
        about=f"At the threshold, recall is {mark[0]:.1%} and precision {mark[1]:.1%}."
        if mark
        else "At the threshold, no positive is found.",
        across="recall",
        up="precision",
        series=[*_of(models, "precision_recall"), *([_mark(mark)] if mark else [])],
        limits=(0, 1),
    )


def _calibration(models: Mapping[str, Any]) -> Chart:
    groups = {name: [each[:2] for each in found["calibration"]] for name, found in models.items()}
    most = max(value for found in groups.values() for point in found for value in point)
    return Chart(
        title="Calibration",
        about="Ten groups of rows by their probability: its mean, and how many are positive. On "
        "the dashed line, probabilities are what they say.",
        across="mean probability",
        up="share of positives",
        series=[
            *(Series(name, points, "joined") for name, points in groups.items()),
            Series("perfect", [(0.0, 0.0), (most, most)], "dashed"),
        ],
        limits=(0, most),
    )


def _answers(answers: Sequence[Sequence[float]]) -> Iterator[Chart]:
    values = [value for answer in answers for value in answer]
    ends = [(min(values), min(values)), (max(values), max(values))]
    yield Chart(
        title="Predicted and actual values",
        about=f"{len(answers)} rows of the eval split; on the dashed line, they are equal.",
        across="actual",
        up="predicted",
        series=[Series("rows", answers, "dots"), Series("equal", ends, "dashed")],
    )
    errors = [(predicted, actual - predicted) for actual, predicted in answers]
    middle = [(min(p for p, _ in errors), 0.0), (max(p for p, _ in errors), 0.0)]
    yield Chart(
        title="Residuals",
        about="What the prediction lacks to the actual value, by the prediction. Where there is no "
        "pattern, the model has taken what the columns tell.",
        across="predicted",
        up="actual - predicted",
        series=[Series("rows", errors, "dots"), Series("none", middle, "dashed")],
    )


def _of(models: Mapping[str, Any], curve: str) -> list[Series]:
    return [Series(name, found[curve]) for name, found in models.items() if curve in found]


def _mark(point: tuple[float, float]) -> Series:
    return Series("threshold", [point], "mark")
