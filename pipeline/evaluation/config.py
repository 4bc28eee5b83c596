"""TFMA's configuration from the settings: metrics, thresholds, slices and the champion.

A new metric is an entry in `_METRICS` and in `settings.METRICS_OF_TASK`.
"""

import json
from dataclasses import dataclass, field
from typing import Any

from tensorflow_model_analysis.proto import config_pb2

from beltline.base.settings.bounds import Bound, Metric
from beltline.pipeline.evaluation.results import BASELINE, CANDIDATE
from beltline.pipeline.settings.data import Task
from beltline.pipeline.settings.evaluation import LOWER_IS_BETTER, METRICS_OF_TASK
from beltline.pipeline.settings.settings import Settings

# TFMA keeps the label and the predictions of each output apart.
_OUTPUTS: dict[Task, tuple[str, ...]] = {
    "binary": ("probability", "decision"),
    "multiclass": ("probabilities",),
    "regression": ("prediction",),
}
_LABEL = "label_index"
_OURS = "beltline.pipeline.evaluation.metrics"


@dataclass(frozen=True)
class _Named:
    """A metric of `metrics.py`: its class, and which of the model's outputs it judges."""

    class_name: str
    output: str
    config: dict[str, Any] = field(default_factory=dict)


_THRESHOLDS = {"num_thresholds": 10000}
_METRICS: dict[tuple[Task, Metric], _Named] = {
    ("binary", "auc"): _Named("RocAuc", "probability", _THRESHOLDS),
    ("binary", "pr_auc"): _Named("PrAuc", "probability", _THRESHOLDS),
    ("binary", "f1"): _Named("DecisionF1", "decision"),
    ("binary", "accuracy"): _Named("DecisionAccuracy", "decision"),
    ("multiclass", "accuracy"): _Named("ClassAccuracy", "probabilities"),
    ("multiclass", "macro_f1"): _Named("MacroF1", "probabilities"),
    ("multiclass", "auc"): _Named("RocAuc", "probabilities", _THRESHOLDS),
    ("regression", "rmse"): _Named("RootMeanSquare", "prediction"),
    ("regression", "mae"): _Named("MeanAbsolute", "prediction"),
    ("regression", "r2"): _Named("R2", "prediction"),
}

# What the report draws its curves and intervals from, by the output.
_COUNTS: dict[Task, dict[str, _Named]] = {
    "binary": {
        "score_histogram": _Named("ScoreHistogram", "probability"),
        "decisions": _Named("Decisions", "decision"),
    },
    "multiclass": {"confusion": _Named("Confusion", "probabilities")},
    "regression": {"error_sums": _Named("ErrorSums", "prediction")},
}


def eval_config(settings: Settings) -> config_pb2.EvalConfig:
    """Returns the configuration of the Evaluator for these settings."""
    config = config_pb2.EvalConfig(
        model_specs=_model_specs(settings), slicing_specs=[config_pb2.SlicingSpec()]
    )
    for column in settings.evaluation.slices:
        config.slicing_specs.add(feature_keys=[column])
    for output in _OUTPUTS[settings.label.task]:
        spec = _metrics_spec(settings, output)
        if spec.metrics:
            config.metrics_specs.append(spec)
    return config


def _model_specs(settings: Settings) -> list[config_pb2.ModelSpec]:
    outputs = _OUTPUTS[settings.label.task]
    common: dict[str, Any] = {
        "signature_name": "evaluate",
        "preprocessing_function_names": ["labels"],
    }
    if len(outputs) == 1:
        common |= {"label_key": _LABEL, "prediction_key": outputs[0]}
    else:
        common |= {
            "label_keys": dict.fromkeys(outputs, _LABEL),
            "prediction_keys": {output: output for output in outputs},
        }
    specs = [config_pb2.ModelSpec(name=CANDIDATE, **common)]
    if settings.evaluation.champion.enabled:
        specs.append(config_pb2.ModelSpec(name=BASELINE, is_baseline=True, **common))
    return specs


def _metrics_spec(settings: Settings, output: str) -> config_pb2.MetricsSpec:
    task = settings.label.task
    spec = config_pb2.MetricsSpec()
    if len(_OUTPUTS[task]) > 1:
        spec.output_names.append(output)
    if output == _OUTPUTS[task][0]:
        _add(spec, "rows", _Named("RowCount", output))
        if task == "binary":
            _add(spec, "calibration", _Named("MeanRatio", output))
    for metric in _metrics_to_compute(settings):
        named = _METRICS[task, metric]
        if named.output == output:
            _add(spec, metric, named).per_slice_thresholds.extend(_thresholds(settings, metric))
    for name, named in _COUNTS[task].items():
        if named.output == output:
            _add(spec, name, named)
    return spec


def _add(spec: config_pb2.MetricsSpec, name: str, named: _Named) -> config_pb2.MetricConfig:
    return spec.metrics.add(
        class_name=named.class_name,
        module=_OURS,
        config=json.dumps({"name": name, **named.config}),
    )


def _metrics_to_compute(settings: Settings) -> list[Metric]:
    evaluation = settings.evaluation
    wanted = set(evaluation.metrics or METRICS_OF_TASK[settings.label.task])
    wanted |= {deciding_metric(settings), *evaluation.thresholds, *evaluation.slice_thresholds}
    return [metric for metric in METRICS_OF_TASK[settings.label.task] if metric in wanted]


def deciding_metric(settings: Settings) -> Metric:
    """Returns the metric on which a new model is compared with the champion."""
    return settings.evaluation.champion.metric or METRICS_OF_TASK[settings.label.task][0]


def _thresholds(settings: Settings, metric: Metric) -> list[config_pb2.PerSliceMetricThreshold]:
    """Returns what the metric must reach over all rows, and in each slice.

    TFMA would hold every slice to a threshold that names none, however few rows it has.
    """
    evaluation = settings.evaluation
    overall = _bounds(evaluation.thresholds.get(metric))
    if evaluation.champion.enabled and metric == deciding_metric(settings):
        overall.change_threshold.CopyFrom(_change(settings, metric))
    sliced = _bounds(evaluation.slice_thresholds.get(metric))
    columns = [config_pb2.SlicingSpec(feature_keys=[name]) for name in evaluation.slices]
    wanted = [(overall, [config_pb2.SlicingSpec()]), (sliced, columns)]
    return [
        config_pb2.PerSliceMetricThreshold(slicing_specs=slices, threshold=threshold)
        for threshold, slices in wanted
        if threshold.ByteSize() and slices
    ]


def _bounds(bound: Bound | None) -> config_pb2.MetricThreshold:
    threshold = config_pb2.MetricThreshold()
    if bound and bound.lower is not None:
        threshold.value_threshold.lower_bound.value = bound.lower
    if bound and bound.upper is not None:
        threshold.value_threshold.upper_bound.value = bound.upper
    return threshold


def _change(settings: Settings, metric: Metric) -> config_pb2.GenericChangeThreshold:
    """Returns how much better than the champion's the metric must be."""
    margin = settings.evaluation.champion.margin
    change = config_pb2.GenericChangeThreshold()
    if metric in LOWER_IS_BETTER:
        change.direction = config_pb2.MetricDirection.LOWER_IS_BETTER
        change.absolute.value = -margin
    else:
        change.direction = config_pb2.MetricDirection.HIGHER_IS_BETTER
        change.absolute.value = margin
    return change
