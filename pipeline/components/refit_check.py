"""RefitCheck: a refit must serve, and be what was judged but for the rows that it learned besides.

No row is left to judge it by. So it goes through the serving check as any model, and then answers
the rows that the blessed model was judged by. `evaluation/refit.py` compares the answers of both.
"""

import json
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow_model_analysis.proto import config_pb2
from tfx import types
from tfx.dsl.components.base import base_component, executor_spec
from tfx.types import artifact_utils, component_spec, standard_artifacts
from tfx.utils import path_utils, proto_utils

from beltline.pipeline.components import digest_of_sources, serving_check
from beltline.pipeline.components.explanation import Judged, judged_by
from beltline.pipeline.components.record_files import batches_of_records, files_of_split
from beltline.pipeline.evaluation.refit import Answered, faults
from beltline.pipeline.evaluation.scores import score_of
from beltline.pipeline.settings.evaluation import METRICS_OF_TASK

log = logging.getLogger("beltline.refit_check")

# Of the signature that TFMA asks, see `models/export.py`.
_DECISION, _NUMBER = "decision", "prediction"
# Of others, such as the number of rows and the counts, neither more nor less is better.
_MEASURES = frozenset(name for names in METRICS_OF_TASK.values() for name in names)


class RefitCheckSpec(component_spec.ComponentSpec):
    """The component's inputs, outputs and parameters."""

    PARAMETERS = {
        **serving_check.ServingCheckSpec.PARAMETERS,
        "eval_config": component_spec.ExecutionParameter(type=str),
    }
    INPUTS = {
        **serving_check.ServingCheckSpec.INPUTS,
        "judged_model": component_spec.ChannelParameter(type=standard_artifacts.Model),
    }
    OUTPUTS = serving_check.ServingCheckSpec.OUTPUTS


class Executor(serving_check.Executor):
    """Starts the probe, and then asks both models about the same rows."""

    def refusal(
        self,
        input_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
        folder: Path,
    ) -> str:
        """Returns why the refit is not to be served, or an empty string; keeps its answers."""
        reason = super().refusal(input_dict, exec_properties, folder)
        if reason:
            return reason
        found = self.compared(input_dict, exec_properties)
        return f"on rows that it has learned from: {'; '.join(found)}" if found else ""

    def compared(
        self, input_dict: dict[str, list[types.Artifact]], exec_properties: dict[str, Any]
    ) -> list[str]:
        """Returns in words how the refit's answers are not what the judged model lets expect."""
        config = config_pb2.EvalConfig()
        proto_utils.json_to_proto(exec_properties["eval_config"], config)
        metrics = [judged_by(config, name) for name in _metrics(config)]
        files = files_of_split(input_dict["examples"], exec_properties["split"])
        blessed, refit = (
            _answered(input_dict[key], metrics, files) for key in ("judged_model", "model")
        )
        for name, value in refit.metrics.items():
            said = "%s %.4f on rows that the refit has learned from, of the judged model %.4f"
            log.info(said, name, value, blessed.metrics[name])
        return faults(blessed, refit)


class RefitCheck(base_component.BaseComponent):
    """Blesses a refit that answers rows, about as the judged model does.

    Args:
      judged_model: the model that was blessed.
      eval_config: the Evaluator's, with the metrics in which the refit may not fall behind.
      serving: the arguments of `ServingCheck`; its model is the refit.
    """

    SPEC_CLASS = RefitCheckSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)

    def __init__(
        self,
        judged_model: types.Channel,
        eval_config: config_pb2.EvalConfig,
        **serving: Any,
    ):
        super().__init__(
            RefitCheckSpec(
                judged_model=judged_model,
                eval_config=proto_utils.proto_to_json(eval_config),
                code_digest=digest_of_sources(),
                blessing=types.Channel(type=standard_artifacts.InfraBlessing),
                **serving,
            )
        )


def _metrics(config: config_pb2.EvalConfig) -> list[str]:
    computed = [each for spec in config.metrics_specs for each in spec.metrics]
    names = [json.loads(each.config)["name"] for each in computed]
    return [name for name in names if name in _MEASURES]


def _answered(
    models: list[types.Artifact], metrics: Sequence[Judged], files: Sequence[str]
) -> Answered:
    path = path_utils.serving_model_path(artifact_utils.get_single_uri(models))
    signatures = tf.saved_model.load(path).signatures
    (ask, _), (tell, label) = metrics[0].predictions, metrics[0].labels
    labels, answers = [], []
    for rows in batches_of_records(files):
        labels.append(signatures[tell](rows)[label].numpy()[:, 0])
        answers.append({name: said.numpy() for name, said in signatures[ask](rows).items()})
    truth = np.concatenate(labels)
    said = {name: np.concatenate([each[name] for each in answers]) for name in answers[0]}
    [scored_by] = said.keys() - {_DECISION}
    return Answered(
        labels=truth,
        scores=said[scored_by].astype("float64"),
        is_number=scored_by == _NUMBER,
        metrics={
            each.metric: score_of(each.class_name)(truth, said[each.predictions[1]])
            for each in metrics
        },
    )
