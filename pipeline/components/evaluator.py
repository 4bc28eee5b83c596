"""Evaluator: TFX's own, which also says why it refused a model, and its figures as properties."""

import json
from typing import Any

from tfx import types
from tfx.components.evaluator import component as stock
from tfx.components.evaluator import executor
from tfx.dsl.components.base import executor_spec
from tfx.types import artifact_utils

from pipeline import figures

# Imported for what it does: it registers the metrics that the configuration may name.
from pipeline import metrics as _metrics  # noqa: F401 - never called by name
from pipeline.components import digest_of_sources

# Named, not imported: it is TFX that wants it so.
_EXTRACTORS = "pipeline.components.evaluated_columns.extractors"


class Executor(executor.Executor):
    """Evaluates, then writes the missed thresholds and the figures beside the verdict."""

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Runs TFMA, and compares the figures with the thresholds and the champion's."""
        properties = {**exec_properties, "custom_extractors": _EXTRACTORS}
        super().Do(input_dict, output_dict, properties)
        blessing = artifact_utils.get_single_instance(output_dict["blessing"])
        evaluation = artifact_utils.get_single_instance(output_dict["evaluation"])
        for model in (figures.CANDIDATE, figures.BASELINE):
            values = json.dumps(figures.overall(evaluation.uri, model), sort_keys=True)
            evaluation.set_string_custom_property(model, values)
        reason = "; ".join(figures.refusals(evaluation.uri))
        blessing.set_string_custom_property("reason", reason)
        champion = bool(input_dict.get("baseline_model"))
        blessing.set_int_custom_property("compared_with_champion", int(champion))


class Evaluator(stock.Evaluator):
    """TFX's Evaluator with the executor above; the arguments are the same."""

    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(Executor)

    def __init__(self, **arguments: Any):
        super().__init__(**arguments)
        # For the cache key; the stock specification has no place for it.
        self.spec.exec_properties["code_digest"] = digest_of_sources()
