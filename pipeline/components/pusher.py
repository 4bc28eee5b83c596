"""Pusher: a blessed model becomes the next served version, whole or not at all.

TFX's own Pusher names versions by the second and copies in place; a reader can meet half a model.
"""

import json
import logging
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tfx import types
from tfx.components.util import model_utils
from tfx.dsl.components.base import base_component, base_executor, executor_spec
from tfx.types import artifact_utils, component_spec, standard_artifacts
from tfx.utils import path_utils

from beltline.pipeline.components.serving_check import ANSWERS, ANSWERS_TO_MANY
from beltline.pipeline.evaluation.results import BASELINE, CANDIDATE
from beltline.pipeline.paths import served_versions
from beltline.versions.folder import CHECK_ROWS, MODEL_CARD, SCHEMA, SCORES, STATISTICS
from beltline.versions.push import Held, hold, push
from beltline.versions.retention import expire
from beltline.versions.store import Place, shown

log = logging.getLogger("beltline.pusher")


class PusherSpec(component_spec.ComponentSpec):
    """The component's inputs, outputs and parameters."""

    PARAMETERS = {
        "directory": component_spec.ExecutionParameter(type=str),
        "name": component_spec.ExecutionParameter(type=str),
        "keep": component_spec.ExecutionParameter(type=int),
        "approval": component_spec.ExecutionParameter(type=str),
        "code": component_spec.ExecutionParameter(type=str),
        "problem": component_spec.ExecutionParameter(type=str),
        "unread": component_spec.ExecutionParameter(type=str),
    }
    INPUTS = {
        "model": component_spec.ChannelParameter(type=standard_artifacts.Model),
        "model_blessing": component_spec.ChannelParameter(type=standard_artifacts.ModelBlessing),
        "infra_blessing": component_spec.ChannelParameter(type=standard_artifacts.InfraBlessing),
        "evaluation": component_spec.ChannelParameter(type=standard_artifacts.ModelEvaluation),
        "examples": component_spec.ChannelParameter(type=standard_artifacts.Examples),
        "statistics": component_spec.ChannelParameter(type=standard_artifacts.ExampleStatistics),
        "schema": component_spec.ChannelParameter(type=standard_artifacts.Schema),
        "champion": component_spec.ChannelParameter(type=standard_artifacts.Model, optional=True),
        "judged_model": component_spec.ChannelParameter(
            type=standard_artifacts.Model, optional=True
        ),
        "refit_blessing": component_spec.ChannelParameter(
            type=standard_artifacts.InfraBlessing, optional=True
        ),
    }
    OUTPUTS = {"pushed_model": component_spec.ChannelParameter(type=standard_artifacts.PushedModel)}


class Executor(base_executor.BaseExecutor):
    """Looks at all blessings and pushes."""

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Pushes the model, or has it wait, or writes to the PushedModel's `reason` why not.

        Raises:
          OSError: the disk is full or not writable; the served versions are as they were.
        """
        pushed = artifact_utils.get_single_instance(output_dict["pushed_model"])
        model = artifact_utils.get_single_instance(input_dict["model"])
        blessing = artifact_utils.get_single_instance(input_dict["model_blessing"])
        infra_blessing = artifact_utils.get_single_instance(input_dict["infra_blessing"])
        refit_blessings = input_dict.get("refit_blessing", [])
        pushed.set_int_custom_property("pushed", 0)
        if not model_utils.is_model_blessed(blessing):
            pushed.set_string_custom_property("reason", "the Evaluator refused the model")
        elif not model_utils.is_infra_validated(infra_blessing):
            pushed.set_string_custom_property("reason", "the serving check refused the model")
        elif not all(model_utils.is_infra_validated(each) for each in refit_blessings):
            pushed.set_string_custom_property("reason", "the refit check refused the model")
        else:
            directory = served_versions(exec_properties["directory"], exec_properties["name"])
            source = Path(path_utils.serving_model_path(model.uri))
            card = self._card(input_dict, exec_properties)
            extra = _extra(input_dict) | self._model_card()
            if exec_properties["approval"] == "required":
                _record_held(pushed, directory, hold(source, directory, card, extra))
            else:
                _record(pushed, directory, *push(source, directory, card, extra))
            pushed.set_int_custom_property("model_id", model.id)
            for judged in input_dict.get("judged_model", []):
                pushed.set_int_custom_property("judged_model_id", judged.id)
            pushed.set_string_custom_property("problem", exec_properties["problem"])
            _expire(directory, exec_properties["keep"])

    def _model_card(self) -> dict[Path, Path]:
        """Returns the model card, which the node runner leaves among the temporary files."""
        file = Path(self._context.get_tmp_path()) / MODEL_CARD.name if self._context else None
        return {MODEL_CARD: file} if file and file.is_file() else {}

    def _card(
        self, input_dict: dict[str, list[types.Artifact]], properties: dict[str, Any]
    ) -> dict[str, Any]:
        examples = artifact_utils.get_single_instance(input_dict["examples"])
        evaluation = artifact_utils.get_single_instance(input_dict["evaluation"])
        return {
            "name": properties["name"],
            "pushed": datetime.now(UTC).isoformat(timespec="seconds"),
            "run": self._context.pipeline_run_id if self._context else "",
            "blessed": True,
            "first": not input_dict.get("champion"),
            "refit": bool(input_dict.get("judged_model")),
            "metrics": _metrics(evaluation, CANDIDATE),
            "champion_metrics": _metrics(evaluation, BASELINE) or None,
            "problem": json.loads(properties["problem"]),
            "unread": json.loads(properties["unread"]),
            "digests": {
                "data": examples.get_string_custom_property("data_digest"),
                "code": properties["code"],
            },
        }


class Pusher(base_component.BaseComponent):
    """Pushes to `<directory>/<name>/<version>`; a relative directory starts at `$BELTLINE_ROOT`.

    Never cached, since a version may have been deleted; a model that is already a version there
    is not pushed again.

    Args:
      directory: folder of all served models.
      name: the model's name.
      keep: how many of the newest versions stay; see `beltline.versions.retention`.
      approval: `required` if the version is to wait for approval, `none` otherwise.
      code: digest of the model code, for the version's card.
      problem: what the model predicts from which columns, for the next run's champion.
      unread: the table's other columns, which a request may have too; a JSON list.
      inputs: the component's input channels, see `PusherSpec`. Where the model is a refit,
        `judged_model` is the one that the blessings but `refit_blessing` are of.
    """

    SPEC_CLASS = PusherSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)

    def __init__(
        self,
        directory: str,
        name: str,
        keep: int,
        approval: str,
        code: str,
        problem: str,
        unread: str,
        **inputs: types.Channel | None,
    ):
        super().__init__(
            PusherSpec(
                directory=directory,
                name=name,
                keep=keep,
                approval=approval,
                code=code,
                problem=problem,
                unread=unread,
                pushed_model=types.Channel(type=standard_artifacts.PushedModel),
                **inputs,
            )
        )


def _metrics(evaluation: types.Artifact, model: str) -> dict[str, float]:
    return dict(json.loads(evaluation.get_string_custom_property(model) or "{}"))


def _extra(input_dict: dict[str, list[types.Artifact]]) -> dict[Path, Path]:
    """Returns what travels with the version for whoever serves it and watches its requests.

    How answers are spread is that of rows that the model has not learned from: a refit has seen
    them all, and answers them with more confidence than it does live ones.
    """
    judged = Path(artifact_utils.get_single_uri(input_dict["infra_blessing"]))
    refits = [Path(each.uri) for each in input_dict.get("refit_blessing", [])]
    statistics = artifact_utils.get_split_uri(input_dict["statistics"], "train")
    return {
        CHECK_ROWS: (refits or [judged])[0] / ANSWERS,
        SCORES: judged / ANSWERS_TO_MANY,
        STATISTICS: Path(statistics) / "FeatureStats.pb",
        SCHEMA: Path(artifact_utils.get_single_uri(input_dict["schema"])) / "schema.pbtxt",
    }


def _expire(directory: Place, keep: int) -> None:
    try:
        gone = expire(directory, keep)
    except OSError as error:
        # The push is done; the next one removes what is too old.
        log.warning("old versions in %s can't be deleted: %s", directory, error)
    else:
        log.info("versions that were deleted: %s", gone or "none")


def _record_held(pushed: types.Artifact, directory: Place, held: Held) -> None:
    if held.standing == "pushed":
        _record(pushed, directory, held.number, new=False)
        return
    if held.standing == "waiting":
        pushed.set_string_custom_property("waiting_version", str(held.number))
    reason = {
        "waiting": f"version {held.number} waits for approval",
        "rejected": f"this model was rejected as version {held.number}",
        "superseded": f"version {held.number} has been superseded",
    }[held.standing]
    pushed.set_string_custom_property("reason", reason)
    log.info("%s in %s", reason, directory)


def _record(pushed: types.Artifact, directory: Place, version: int, new: bool) -> None:
    pushed.set_int_custom_property("pushed", int(new))
    pushed.set_string_custom_property("pushed_version", str(version))
    pushed.set_string_custom_property("pushed_destination", shown(directory, version))
    if not new:
        pushed.set_string_custom_property("reason", f"this model is version {version} already")
    log.info("version %d %s in %s", version, "pushed" if new else "already exists", directory)
