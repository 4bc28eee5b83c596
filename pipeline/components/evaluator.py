"""Evaluator: TFMA on whole batches, the blessing, the reason for a refusal, the metrics.

The stock executor hands every row through Beam one by one. The outputs are the same: TFMA's files,
and a blessing with TFX's properties. Three things are added for whoever looks at a run: why a model
was refused (on the blessing), the metrics over all rows (on the evaluation), and what they come
from (`explanation.json` beside TFMA's files).
"""

import json
from pathlib import Path
from typing import Any

import tensorflow_model_analysis as tfma
from tfx import types
from tfx.components.evaluator import component as stock
from tfx.components.evaluator import constants, executor
from tfx.dsl.components.base import executor_spec
from tfx.types import artifact_utils
from tfx.types import standard_component_specs as keys
from tfx.utils import json_utils, path_utils, proto_utils

from beltline.pipeline.components import digest_of_sources, slices
from beltline.pipeline.components.explanation import Candidate, explain, judged_by
from beltline.pipeline.components.private_api import beam_pipeline
from beltline.pipeline.components.record_files import RecordBatches, files_of_split
from beltline.pipeline.evaluation import results

Artifacts = dict[str, list[types.Artifact]]

METRIC = "metric"
IMPORTANCE_ROWS = "importance_rows"


class Executor(executor.Executor):
    """Evaluates, then writes the verdict."""

    def Do(
        self, input_dict: Artifacts, output_dict: Artifacts, exec_properties: dict[str, Any]
    ) -> None:
        """Runs TFMA, checks thresholds and champion, and explains the metrics."""
        config = _config(exec_properties, bool(input_dict.get(keys.BASELINE_MODEL_KEY)))
        splits = json_utils.loads(exec_properties.get(keys.EXAMPLE_SPLITS_KEY) or "null")
        examples = input_dict[keys.EXAMPLES_KEY]
        files = [file for split in splits or ["eval"] for file in files_of_split(examples, split)]
        evaluation = artifact_utils.get_single_instance(output_dict[keys.EVALUATION_KEY])
        models = _models(config, input_dict)
        # TFMA loads it again only if nobody holds it.
        candidate = Candidate(models[0].model_loader.load(), models[0].model_path)
        self._evaluate(config, models, files, evaluation.uri)
        judged = judged_by(config, exec_properties[METRIC])
        explain(evaluation, judged, candidate, files, exec_properties[IMPORTANCE_ROWS])
        blessing = artifact_utils.get_single_instance(output_dict[keys.BLESSING_KEY])
        _bless(blessing, tfma.load_validation_result(evaluation.uri).validation_ok)
        _describe(evaluation, blessing, input_dict)

    def _evaluate(
        self, config: tfma.EvalConfig, models: list[Any], files: list[str], folder: str
    ) -> None:
        shared = models[0] if len(models) == 1 else models
        with beam_pipeline(self) as pipeline:
            _ = (
                pipeline
                | "Examples" >> RecordBatches(files, raw_column=tfma.constants.ARROW_INPUT_COLUMN)
                | tfma.ExtractEvaluateAndWriteResults(
                    eval_shared_model=shared,
                    eval_config=config,
                    extractors=slices.extractors(shared, config),
                    output_path=folder,
                )
            )


class Evaluator(stock.Evaluator):
    """TFX's Evaluator with the executor above; of the arguments, it takes no `module_file`.

    There must be a threshold, or nothing shows that a model is good: without any it is refused.

    Args:
      metric: the metric that columns and slices are judged by; one of those that are computed.
      importance_rows: on how many rows each column is shuffled, at most; 0 to leave that out.
      arguments: the stock Evaluator's.
    """

    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(Executor)

    def __init__(self, *, metric: str, importance_rows: int, **arguments: Any):
        super().__init__(**arguments)
        # The stock specification has no place for these.
        self.spec.exec_properties[METRIC] = metric
        self.spec.exec_properties[IMPORTANCE_ROWS] = importance_rows
        self.spec.exec_properties["code_digest"] = digest_of_sources()


def _config(exec_properties: dict[str, Any], champion: bool) -> tfma.EvalConfig:
    config = tfma.EvalConfig()
    proto_utils.json_to_proto(exec_properties[keys.EVAL_CONFIG_KEY], config)
    # Without a champion, as in the first run, TFMA skips the comparison.
    config = tfma.utils.update_eval_config_with_defaults(
        config, has_baseline=champion, rubber_stamp=True
    )
    tfma.utils.verify_eval_config(config)
    return config


def _models(config: tfma.EvalConfig, input_dict: Artifacts) -> list[Any]:
    models = []
    for spec in config.model_specs:
        key = keys.BASELINE_MODEL_KEY if spec.is_baseline else keys.MODEL_KEY
        artifact = artifact_utils.get_single_instance(input_dict[key])
        path = path_utils.serving_model_path(artifact.uri)
        models.append(
            tfma.default_eval_shared_model(
                eval_saved_model_path=path, model_name=spec.name, eval_config=config
            )
        )
    return models


def _bless(blessing: types.Artifact, good: bool) -> None:
    name = constants.BLESSED_FILE_NAME if good else constants.NOT_BLESSED_FILE_NAME
    Path(blessing.uri).mkdir(parents=True, exist_ok=True)
    (Path(blessing.uri) / name).write_text("")
    value = constants.BLESSED_VALUE if good else constants.NOT_BLESSED_VALUE
    blessing.set_int_custom_property(constants.ARTIFACT_PROPERTY_BLESSED_KEY, value)


def _describe(evaluation: types.Artifact, blessing: types.Artifact, input_dict: Artifacts) -> None:
    for model in (results.CANDIDATE, results.BASELINE):
        values = json.dumps(results.overall(evaluation.uri, model), sort_keys=True)
        evaluation.set_string_custom_property(model, values)
    judged = {
        keys.MODEL_KEY: (
            constants.ARTIFACT_PROPERTY_CURRENT_MODEL_URI_KEY,
            constants.ARTIFACT_PROPERTY_CURRENT_MODEL_ID_KEY,
        ),
        keys.BASELINE_MODEL_KEY: (
            constants.ARTIFACT_PROPERTY_BASELINE_MODEL_URI_KEY,
            constants.ARTIFACT_PROPERTY_BASELINE_MODEL_ID_KEY,
        ),
    }
    for key, (uri, number) in judged.items():
        for model in input_dict.get(key) or []:
            blessing.set_string_custom_property(uri, model.uri)
            blessing.set_int_custom_property(number, model.id)
    champion = bool(input_dict.get(keys.BASELINE_MODEL_KEY))
    blessing.set_int_custom_property("compared_with_champion", int(champion))
    blessing.set_string_custom_property("reason", "; ".join(results.refusals(evaluation.uri)))
