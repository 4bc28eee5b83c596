"""What explains an evaluation: the importance of each column, and the worst slices.

It is plain JSON beside TFMA's files, so that whoever shows it needs neither TFMA nor TensorFlow:

    {"metric": "auc", "lower_is_better": false, "value": 0.92,
     "importance": {"rows": 2000, "repeats": 3, "value": 0.91,
                    "columns": [{"column": "mold", "loss": 0.08, "deviation": 0.01}, …]},
     "intervals": {"candidate": {"auc": [0.9, 0.94], …}, "baseline": {…}},
     "slices": {"least_rows": 250, "too_small": 1,
                "worst": [{"slice": "mold=M05", "rows": 489, "value": 0.88, "champion": 0.9,
                           "interval": [0.83, 0.92]}, …]}}

`importance` is null where it is turned off, and has no rows where there are too many columns to ask
about; a `value` or an `interval` is null where the rows can't tell. What curves are drawn from, and
the partial dependence on the first columns, are in files of their own: see `curves.py` and
`dependence.py` in `pipeline/evaluation/`.
"""

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow_model_analysis.proto import config_pb2
from tfx import types

from beltline.pipeline.components.record_files import ROWS, batches_of_records, sample
from beltline.pipeline.evaluation import curves, dependence, results
from beltline.pipeline.evaluation.importance import (
    REPEATS,
    permutation_importance,
    rows_to_ask,
    values_by_column,
)
from beltline.pipeline.evaluation.intervals import Counts, intervals
from beltline.pipeline.evaluation.scores import score_of
from beltline.pipeline.evaluation.worst_slices import rows_that_tell, worst_first
from beltline.pipeline.settings.evaluation import LOWER_IS_BETTER

FILE = "explanation.json"
PROPERTY = "explanation"
# ML Metadata is not for files; most explanations are a tenth of this.
_MOST_TEXT = 16_000
_MOST_SLICES = 100
_ROWS_FOR_SHARES = 2000
_OF_NUMBERS = ("RootMeanSquare", "MeanAbsolute", "R2")
_OF_BOTH_CLASSES = ("RocAuc", "PrAuc", "DecisionF1")


@dataclass(frozen=True)
class Candidate:
    """A SavedModel and where it was loaded from.

    Its `assets.extra/input_names.json` names the columns that it reads; without that file
    it is taken to read every column.
    """

    model: Any
    path: str

    def read_of(self, columns: Iterable[str]) -> list[str]:
        """Returns those of the columns that the model reads, in their order."""
        file = Path(self.path) / "assets.extra" / "input_names.json"
        if not file.is_file():
            return list(columns)
        names = json.loads(file.read_text(encoding="utf-8"))
        return [column for column in columns if column in names]


@dataclass(frozen=True)
class Judged:
    """What is asked of the model: a metric, and the outputs of the signatures that it judges."""

    metric: str
    class_name: str
    predictions: tuple[str, str]
    labels: tuple[str, str]

    @property
    def sign(self) -> int:
        """1 if more is better, -1 if less is."""
        return -1 if self.metric in LOWER_IS_BETTER else 1


def explain(
    evaluation: types.Artifact,
    judged: Judged,
    candidate: Candidate,
    files: Sequence[str],
    rows: int,
) -> None:
    """Writes the explanation beside the evaluation's files and, if it is short, on the artifact.

    Args:
      evaluation: TFMA's metrics are written already.
      judged: what the model is judged by.
      candidate: the model.
      files: the rows of the evaluation.
      rows: on how many of them the columns are shuffled, at most; 0 to leave that out.
    """
    sampled = sample(batches_of_records(files), rows or _ROWS_FOR_SHARES)
    asked = Asked(candidate, judged, np.array(sampled, object))
    overall = results.overall(evaluation.uri, results.CANDIDATE)
    importance = asked.importance() if rows else None
    models = (results.CANDIDATE, results.BASELINE)
    counts = {model: results.counts(evaluation.uri, model) for model in models}
    made = {
        "metric": judged.metric,
        "lower_is_better": judged.sign < 0,
        "value": _number(overall[judged.metric]),
        "importance": importance,
        "intervals": {
            model: intervals(results.overall(evaluation.uri, model), found.get("", {}))
            for model, found in counts.items()
        },
        "slices": _slices(evaluation.uri, judged, asked.is_true(), counts[results.CANDIDATE]),
    }
    text = json.dumps(made, allow_nan=False)
    (Path(evaluation.uri) / FILE).write_text(text, encoding="utf-8")
    if len(text) <= _MOST_TEXT:
        evaluation.set_string_custom_property(PROPERTY, text)
    overall_counts = {model: found.get("", {}) for model, found in counts.items()}
    curves.write(Path(evaluation.uri), overall_counts, asked.numbers())
    if importance and importance["columns"]:
        columns = [each["column"] for each in importance["columns"]]
        asked.write_dependence(Path(evaluation.uri), columns)


def judged_by(config: config_pb2.EvalConfig, metric: str) -> Judged:
    """Returns where the candidate's predictions for this metric, and the labels, are found."""
    [candidate] = [spec for spec in config.model_specs if not spec.is_baseline]
    for spec in config.metrics_specs:
        for each in spec.metrics:
            if json.loads(each.config)["name"] == metric:
                output = next(iter(spec.output_names), "")
                prediction = candidate.prediction_keys[output] if output else ""
                label = candidate.label_keys[output] if output else ""
                return Judged(
                    metric,
                    each.class_name,
                    (candidate.signature_name, prediction or candidate.prediction_key),
                    (candidate.preprocessing_function_names[0], label or candidate.label_key),
                )
    raise ValueError(f"the metric {metric} is not computed")


class Asked:
    """A model and some rows whose labels are known."""

    def __init__(self, candidate: Candidate, judged: Judged, rows: np.ndarray):
        self._candidate, self._judged, self._rows = candidate, judged, rows
        self._labels = self._answers(rows, judged.labels).ravel()
        self._metric = score_of(judged.class_name)

    def importance(self) -> dict[str, Any]:
        """Returns the importance of each column; none with too many columns or too few rows."""
        values = self._values
        columns = self._candidate.read_of(values)
        rows = rows_to_ask(len(self._rows), len(columns))
        value = _number(self._score(self._rows[:rows])) if rows else None
        found = []
        if value is not None:
            values = {name: each[:rows] for name, each in values.items()}
            sign = self._judged.sign
            found = permutation_importance(values, columns, self._score, sign)
        described = [asdict(each) for each in found]
        return {"rows": rows, "repeats": REPEATS, "value": value, "columns": described}

    def write_dependence(self, folder: Path, columns: Sequence[str]) -> None:
        """Writes the partial dependence on the first of these columns beside TFMA's files."""
        signature, output = self._judged.predictions
        # Of decisions, the mean would tell less than that of the probabilities behind them.
        output = "probability" if output == "decision" else output
        found = dependence.partial_dependence(
            self._values, columns, lambda rows: self._answers(rows, (signature, output))
        )
        dependence.write(folder, output, min(len(self._rows), dependence.MOST_ROWS), found)

    def is_true(self) -> np.ndarray | None:
        """Returns the labels `[n]` for a metric that depends on the rows of either class."""
        one = self._answers(self._rows[:1], self._judged.predictions)
        is_binary = self._judged.class_name in _OF_BOTH_CLASSES and one.size == 1
        return self._labels > 0.5 if is_binary else None

    def numbers(self) -> np.ndarray:
        """Returns `[n, 2]` labels and predictions of a regression; of other models none."""
        if self._judged.class_name not in _OF_NUMBERS:
            return np.empty((0, 2))
        answers = self._answers(self._rows, self._judged.predictions)
        return np.stack([self._labels, answers.ravel()], axis=1)

    @cached_property
    def _values(self) -> dict[str, np.ndarray]:
        return values_by_column(self._rows)

    def _score(self, rows: np.ndarray) -> float:
        answers = self._answers(rows, self._judged.predictions)
        return self._metric(self._labels[: len(rows)], answers.reshape(len(rows), -1))

    def _answers(self, rows: np.ndarray, of: tuple[str, str]) -> np.ndarray:
        signature, output = of
        ask = self._candidate.model.signatures[signature]
        # By its name: by position, TensorFlow first prints the rows for an error that it drops.
        [name] = ask.structured_input_signature[1]
        parts = [rows[first : first + ROWS] for first in range(0, len(rows), ROWS)]
        return np.concatenate([ask(**{name: tf.constant(part)})[output].numpy() for part in parts])


def _slices(
    evaluation: str, judged: Judged, is_true: np.ndarray | None, counts: Mapping[str, Counts]
) -> dict[str, Any]:
    least = rows_that_tell(is_true)
    found = results.by_slice(evaluation, results.CANDIDATE)
    worst, too_small = worst_first(found, judged.metric, judged.sign, least)
    before = dict(results.by_slice(evaluation, results.BASELINE))
    described = [
        asdict(each)
        | {
            "champion": _number(before.get(each.slice, {}).get(judged.metric, math.nan)),
            "interval": intervals({judged.metric: each.value}, counts.get(each.slice, {})).get(
                judged.metric
            ),
        }
        for each in worst[:_MOST_SLICES]
    ]
    return {"least_rows": least, "too_small": too_small, "worst": described}


def _number(value: float) -> float | None:
    """Returns the value, or None for NaN and infinities, which JSON lacks."""
    return value if math.isfinite(value) else None
