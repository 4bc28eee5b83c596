"""ServingCheck: the exported model must answer real rows in a fresh process before it is pushed.

TFX's InfraValidator needs Docker and TensorFlow Serving for it; this needs neither. The output is
the same InfraBlessing, so any Pusher understands it.
"""

import logging
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import tensorflow as tf
from tfx import types
from tfx.dsl.components.base import base_component, base_executor, executor_spec
from tfx.types import artifact_utils, component_spec, standard_artifacts
from tfx.utils import path_utils

from beltline.pipeline.components import digest_of_sources
from beltline.pipeline.components.record_files import sample

log = logging.getLogger("beltline.serving_check")

ANSWERS = "answers.json"
"""The first rows and the answers to them."""
ANSWERS_TO_MANY = "scores.json"
"""The answers alone, to rows from all over the split: how the model's answers are spread."""
_MANY = 2000
_PROBE = Path(__file__).with_name("serving_probe.py")
_SECONDS = 300


class ServingCheckSpec(component_spec.ComponentSpec):
    """The component's inputs, outputs and parameters."""

    PARAMETERS = {
        "split": component_spec.ExecutionParameter(type=str),
        "rows": component_spec.ExecutionParameter(type=int),
        "code_digest": component_spec.ExecutionParameter(type=str),
    }
    INPUTS = {
        "model": component_spec.ChannelParameter(type=standard_artifacts.Model),
        "examples": component_spec.ChannelParameter(type=standard_artifacts.Examples),
    }
    OUTPUTS = {"blessing": component_spec.ChannelParameter(type=standard_artifacts.InfraBlessing)}


class Executor(base_executor.BaseExecutor):
    """Starts the probe on rows of the examples."""

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Blesses the model, or says in the blessing's `reason` why not; keeps the answers."""
        blessing = artifact_utils.get_single_instance(output_dict["blessing"])
        folder = Path(blessing.uri)
        reason = self.refusal(input_dict, exec_properties, folder)
        (folder / ("INFRA_NOT_BLESSED" if reason else "INFRA_BLESSED")).touch()
        blessing.set_int_custom_property("blessed", int(not reason))
        blessing.set_string_custom_property("reason", reason)
        log.info("the model %s", f"is refused: {reason}" if reason else "answers real rows")

    def refusal(
        self,
        input_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
        folder: Path,
    ) -> str:
        """Returns why the model can't be served, or an empty string; keeps its answers."""
        examples = artifact_utils.get_single_instance(input_dict["examples"])
        model = path_utils.serving_model_path(artifact_utils.get_single_uri(input_dict["model"]))
        records = folder / "rows.tfrecord"
        files = Path(artifact_utils.get_split_uri([examples], exec_properties["split"]))
        _rows(files, exec_properties["rows"], records)
        reason = _probe(model, records, folder, exec_properties["rows"])
        records.unlink()
        return reason


class ServingCheck(base_component.BaseComponent):
    """Blesses a model that answers rows.

    Args:
      model: an exported model with the signatures `serving_default` (one rank-1 tensor a column)
        and `examples` (serialized tf.Examples).
      examples: where the rows come from.
      split: the split to take them from.
      rows: how many to ask and to write down. Of up to 2,000 more the answers alone are kept.
    """

    SPEC_CLASS = ServingCheckSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)

    def __init__(
        self,
        model: types.Channel,
        examples: types.Channel,
        split: str,
        rows: int,
    ):
        super().__init__(
            ServingCheckSpec(
                model=model,
                examples=examples,
                split=split,
                rows=rows,
                code_digest=digest_of_sources(),
                blessing=types.Channel(type=standard_artifacts.InfraBlessing),
            )
        )


def _rows(folder: Path, first: int, target: Path) -> None:
    """Writes the first rows, then a sample of all: rows in a file's order may be years apart."""
    shards = sorted(str(shard) for shard in folder.iterdir())
    records = tf.data.TFRecordDataset(shards, compression_type="GZIP")
    with tf.io.TFRecordWriter(str(target)) as writer:
        for record in [
            *records.take(first).as_numpy_iterator(),
            *sample(records.batch(4096), _MANY),
        ]:
            writer.write(record)


def _probe(model: str, records: Path, folder: Path, rows: int) -> str:
    """Returns why the model can't be served, or an empty string."""
    answers = [str(folder / ANSWERS), str(folder / ANSWERS_TO_MANY), str(rows)]
    command = [sys.executable, "-I", str(_PROBE), model, str(records), *answers]
    # A GPU may still be held by a training; whether the model answers does not hang on it.
    environment = os.environ | {"CUDA_VISIBLE_DEVICES": "-1", "TF_CPP_MIN_LOG_LEVEL": "2"}
    try:
        done = subprocess.run(  # noqa: S603 - our own script, no shell, paths of this run
            command, env=environment, capture_output=True, text=True, timeout=_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        return f"no answer within {_SECONDS} s"
    if done.returncode == 0:
        return ""
    if done.returncode < 0:
        return f"the process was ended by {signal.Signals(-done.returncode).name}"
    log.warning("the probe said:\n%s", done.stderr[-4000:])
    lines = [line for line in done.stderr.splitlines() if line.strip()]
    return lines[-1] if lines else f"the process ended with code {done.returncode}"
