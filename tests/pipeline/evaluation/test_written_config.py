"""What TFMA is asked, to the letter: test_config.py has the real Evaluator judge by it."""

from google.protobuf import text_format
from tensorflow_model_analysis.proto import config_pb2

from beltline.pipeline.evaluation.config import eval_config
from tests.pipeline.components.judged import settings_of

OURS = "beltline.pipeline.evaluation.metrics"
# Two outputs of one label, a champion, and each kind of threshold.
BINARY = f"""
model_specs {{
  name: "candidate" signature_name: "evaluate" preprocessing_function_names: "labels"
  label_keys {{ key: "probability" value: "label_index" }}
  label_keys {{ key: "decision" value: "label_index" }}
  prediction_keys {{ key: "probability" value: "probability" }}
  prediction_keys {{ key: "decision" value: "decision" }}
}}
model_specs {{
  name: "baseline" is_baseline: true
  signature_name: "evaluate" preprocessing_function_names: "labels"
  label_keys {{ key: "probability" value: "label_index" }}
  label_keys {{ key: "decision" value: "label_index" }}
  prediction_keys {{ key: "probability" value: "probability" }}
  prediction_keys {{ key: "decision" value: "decision" }}
}}
slicing_specs {{}}
slicing_specs {{ feature_keys: "mold" }}
slicing_specs {{ feature_keys: "shift" }}
metrics_specs {{
  output_names: "probability"
  metrics {{ class_name: "RowCount" module: "{OURS}" config: '{{"name": "rows"}}' }}
  metrics {{ class_name: "MeanRatio" module: "{OURS}" config: '{{"name": "calibration"}}' }}
  metrics {{
    class_name: "RocAuc" module: "{OURS}" config: '{{"name": "auc", "num_thresholds": 10000}}'
    per_slice_thresholds {{
      slicing_specs {{}}
      threshold {{
        value_threshold {{ lower_bound {{ value: 0.7 }} upper_bound {{ value: 0.99 }} }}
        change_threshold {{ absolute {{ value: 0.01 }} direction: HIGHER_IS_BETTER }}
      }}
    }}
    per_slice_thresholds {{
      slicing_specs {{ feature_keys: "mold" }}
      slicing_specs {{ feature_keys: "shift" }}
      threshold {{ value_threshold {{ lower_bound {{ value: 0.6 }} }} }}
    }}
  }}
  metrics {{
    class_name: "ScoreHistogram" module: "{OURS}" config: '{{"name": "score_histogram"}}'
  }}
}}
metrics_specs {{
  output_names: "decision"
  metrics {{ class_name: "DecisionF1" module: "{OURS}" config: '{{"name": "f1"}}' }}
  metrics {{ class_name: "Decisions" module: "{OURS}" config: '{{"name": "decisions"}}' }}
}}
"""
# One output, no champion, a metric of which less is better.
REGRESSION = f"""
model_specs {{
  name: "candidate" signature_name: "evaluate" preprocessing_function_names: "labels"
  label_key: "label_index" prediction_key: "prediction"
}}
slicing_specs {{}}
metrics_specs {{
  metrics {{ class_name: "RowCount" module: "{OURS}" config: '{{"name": "rows"}}' }}
  metrics {{
    class_name: "RootMeanSquare" module: "{OURS}" config: '{{"name": "rmse"}}'
    per_slice_thresholds {{
      slicing_specs {{}} threshold {{ value_threshold {{ upper_bound {{ value: 3.0 }} }} }}
    }}
  }}
  metrics {{ class_name: "MeanAbsolute" module: "{OURS}" config: '{{"name": "mae"}}' }}
  metrics {{ class_name: "ErrorSums" module: "{OURS}" config: '{{"name": "error_sums"}}' }}
}}
"""


def written(text: str) -> config_pb2.EvalConfig:
    return text_format.Parse(text, config_pb2.EvalConfig())


def test_two_outputs_a_champion_and_every_kind_of_threshold() -> None:
    settings = settings_of(
        "binary",
        metrics=["auc", "f1"],
        slices=["mold", "shift"],
        thresholds={"auc": {"lower": 0.7, "upper": 0.99}},
        slice_thresholds={"auc": {"lower": 0.6}},
        champion={"margin": 0.01},
    )
    assert eval_config(settings) == written(BINARY)


def test_one_output_no_champion_and_less_is_better() -> None:
    settings = settings_of(
        "regression",
        metrics=["rmse", "mae"],
        thresholds={"rmse": {"upper": 3.0}},
        slice_thresholds={"mae": {"upper": 1.0}},
        champion={"enabled": False},
    )
    # A bound of slices asks nothing where there are none.
    assert eval_config(settings) == written(REGRESSION)


def test_of_what_should_fall_a_margin_is_a_fall() -> None:
    settings = settings_of("regression", champion={"metric": "mae", "margin": 0.5})
    [spec] = eval_config(settings).metrics_specs
    asked = {metric.class_name: list(metric.per_slice_thresholds) for metric in spec.metrics}
    [mae] = asked.pop("MeanAbsolute")
    assert not any(asked.values())
    change = mae.threshold.change_threshold
    assert (change.absolute.value, change.direction) == (-0.5, config_pb2.LOWER_IS_BETTER)
