"""Tuner: TFX's, whose search survives a kill, is shown, and is left out where it isn't needed.

The stock one searches in a folder of the attempt's own, so that the next attempt begins anew. It
also can't tell what KerasTuner's Hyperband found: that has no number of trials.
"""

import json
import logging
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tfx import types
from tfx.components.trainer import fn_args_utils
from tfx.components.util import udf_utils
from tfx.dsl.components.base import base_component, base_executor, executor_spec
from tfx.proto import trainer_pb2
from tfx.types import artifact_utils, component_spec, standard_artifacts, standard_component_specs
from tfx.utils import json_utils

from beltline.base import digest
from beltline.pipeline.components import digest_of_sources
from beltline.pipeline.components.tuner_results import rows_of, write_page, write_rows
from beltline.pipeline.resolvers.tuned import PROBLEM, TUNED

log = logging.getLogger("beltline.tuner")

BEST = standard_component_specs.BEST_HYPERPARAMETERS_KEY
RESULTS = standard_component_specs.TUNER_RESULTS_KEY
FILE = "best_hyperparameters.txt"
# How the trials are run and when: another way would find the same.
_NOT_SEARCHED = ("parallel", "when")
_KERAS_TUNERS_OWN = "tuner/"


class TunerSpec(component_spec.ComponentSpec):
    """TFX's specification, and the hyperparameters of an earlier run."""

    PARAMETERS = {
        **standard_component_specs.TunerSpec.PARAMETERS,
        PROBLEM: component_spec.ExecutionParameter(type=str),
        "code_digest": component_spec.ExecutionParameter(type=str),
    }
    INPUTS = {
        **standard_component_specs.TunerSpec.INPUTS,
        TUNED: component_spec.ChannelParameter(
            type=standard_artifacts.HyperParameters, optional=True
        ),
    }
    OUTPUTS = standard_component_specs.TunerSpec.OUTPUTS


class Executor(base_executor.BaseExecutor):
    """Searches with the `tuner_fn`, in a folder that the next attempt finds again."""

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Writes the best hyperparameters and all trials; nothing where an earlier run has tuned.

        Raises:
          keras_tuner.errors.FatalError: the settings themselves can't be trained with.
          RuntimeError: three trials in a row have failed.
        """
        if input_dict.get(TUNED):
            tuned = artifact_utils.get_single_uri(input_dict[TUNED])
            log.info("an earlier run has tuned: %s; `tuning.when: always` tunes again", tuned)
            _give_nothing(output_dict)
            return
        best = artifact_utils.get_single_instance(output_dict[BEST])
        folder = search_folder(Path(best.uri), input_dict, exec_properties)
        args = fn_args_utils.get_common_fn_args(input_dict, exec_properties, str(folder))
        result = udf_utils.get_fn(exec_properties, standard_component_specs.TUNER_FN_KEY)(args)
        result.tuner.search(**result.fit_kwargs)
        _write(
            result.tuner, Path(best.uri), Path(artifact_utils.get_single_uri(output_dict[RESULTS]))
        )
        best.set_string_custom_property(PROBLEM, exec_properties[PROBLEM])
        shutil.rmtree(folder, ignore_errors=True)


class Tuner(base_component.BaseComponent):
    """Searches for better hyperparameters.

    Args:
      tuner_fn: dotted name of a `tuner_fn(fn_args)`, as TFX's Tuner takes it.
      custom_config: for the `tuner_fn`.
      problem: what is predicted, from what and with what, for later runs that may use the result.
      train_args, eval_args: which splits are learned from, and which judge.
      inputs: `examples`, and optionally `transform_graph`, `schema`, and `tuned`: the
        hyperparameters of an earlier run. Where there are any, nothing is searched, and there are
        no outputs.
    """

    SPEC_CLASS = TunerSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)

    def __init__(
        self,
        tuner_fn: str,
        custom_config: dict[str, Any],
        problem: str,
        train_args: trainer_pb2.TrainArgs,
        eval_args: trainer_pb2.EvalArgs,
        **inputs: types.BaseChannel | None,
    ):
        super().__init__(
            TunerSpec(
                tuner_fn=tuner_fn,
                custom_config=json_utils.dumps(custom_config),
                problem=problem,
                train_args=train_args,
                eval_args=eval_args,
                code_digest=digest_of_sources(),
                best_hyperparameters=types.Channel(type=standard_artifacts.HyperParameters),
                tuner_results=types.Channel(type=standard_artifacts.TunerResults),
                **inputs,
            )
        )


def search_folder(
    best: Path,
    input_dict: Mapping[str, list[types.Artifact]],
    exec_properties: Mapping[str, Any],
) -> Path:
    """Returns where a search is at work: the same for all that search the same.

    Args:
      best: folder of the output `best_hyperparameters`; the folder is near it.
      input_dict: the inputs.
      exec_properties: the execution's properties.
    """
    asked = {name: str(exec_properties[name]) for name in sorted(exec_properties)}
    config = json.loads(asked[standard_component_specs.CUSTOM_CONFIG_KEY]) or {}
    tuning = config.get("tuning", {})
    config["tuning"] = {k: value for k, value in tuning.items() if k not in _NOT_SEARCHED}
    asked[standard_component_specs.CUSTOM_CONFIG_KEY] = json.dumps(config, sort_keys=True)
    inputs = {
        key: [each.uri for each in given] for key, given in sorted(input_dict.items()) if given
    }
    what = digest.of_parts({"asked": json.dumps([asked, inputs]).encode()})
    return best.parents[1] / ".system" / "searches" / what[:16]


def _give_nothing(output_dict: dict[str, list[types.Artifact]]) -> None:
    for artifacts in output_dict.values():
        for artifact in artifacts:
            shutil.rmtree(artifact.uri, ignore_errors=True)
        # What is left in the list is published.
        artifacts.clear()


def _write(tuner: Any, best: Path, results: Path) -> None:
    config = tuner.get_best_hyperparameters()[0].get_config()
    config["values"] = {
        name: value
        for name, value in config["values"].items()
        if not name.startswith(_KERAS_TUNERS_OWN)
    }
    best.mkdir(parents=True, exist_ok=True)
    (best / FILE).write_text(json.dumps(config), encoding="utf-8")
    results.mkdir(parents=True, exist_ok=True)
    rows = rows_of(tuner.oracle)
    write_rows(rows, results)
    write_page(rows, tuner.oracle.objective.name, results)
