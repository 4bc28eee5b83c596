"""BulkInferrer: the live version predicts a table, which is published as one file.

TFX's own takes tf.Examples and writes prediction logs; docs/architecture.md says why that did not
fit. The version is the one that Pusher has just pushed; where it pushed none, the one that is live.

The driver finds the rows and the version, so that the cache sees both. Where they are known, it
publishes the earlier result again if that is not what is there: another version may have been
live in between, or somebody deleted the file.
"""

import json
import logging
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

from ml_metadata import errors
from ml_metadata.proto import metadata_store_pb2
from tfx import types
from tfx.dsl.components.base import base_beam_component, base_beam_executor, executor_spec
from tfx.orchestration import data_types_utils
from tfx.proto.orchestration import driver_output_pb2
from tfx.types import artifact_utils, component_spec, standard_artifacts

from beltline.base import digest
from beltline.base.errors import NoData
from beltline.pipeline import tables
from beltline.pipeline.components import digest_of_sources
from beltline.pipeline.components.private_api import NodeDriver, beam_pipeline
from beltline.pipeline.paths import KEPT, root_folder, served_versions
from beltline.pipeline.predictions.batch import NoRows, kept_columns, kinds_of, predict
from beltline.pipeline.predictions.publishing import (
    check_folder,
    check_place,
    output_file,
    publish,
)
from beltline.pipeline.tables.sources import Source
from beltline.versions.folder import Version, fetch, find
from beltline.versions.live import live
from beltline.versions.store import Place

log = logging.getLogger("beltline.predictions")

# The execution properties that the driver adds.
_DIGEST, _VERSION, _MODEL, _WHY_NONE, _KEY = "digest", "version", "model", "why_none", "key"
_NO_VERSION = "no version has been pushed yet"


class BulkInferrerSpec(component_spec.ComponentSpec):
    """The component's outputs and parameters."""

    PARAMETERS = {
        "path": component_spec.ExecutionParameter(type=str),
        "query": component_spec.ExecutionParameter(type=str),
        "changed_by": component_spec.ExecutionParameter(type=str),
        "span": component_spec.ExecutionParameter(type=str),
        "keep": component_spec.ExecutionParameter(type=str),
        "output": component_spec.ExecutionParameter(type=str),
        "directory": component_spec.ExecutionParameter(type=str),
        "name": component_spec.ExecutionParameter(type=str),
        "code_digest": component_spec.ExecutionParameter(type=str),
    }
    INPUTS: ClassVar[dict[str, Any]] = {}
    OUTPUTS = {
        "inference_result": component_spec.ChannelParameter(type=standard_artifacts.InferenceResult)
    }


class Driver(NodeDriver):
    """Finds the rows and the version before the cache lookup."""

    def run(self, execution_info: Any) -> driver_output_pb2.DriverOutput:
        """Adds the execution properties `digest`, `version`, `model`, `why_none` and `key`.

        The execution property `span` becomes the span that was found, as in ExampleGen. Where there
        are no rows of the span, or there is no version, `why_none` says so.

        Raises:
          WrongInput: the rows don't fit the version, or the output can't be written.
        """
        given = execution_info.exec_properties
        found = _found(given)
        properties = {**given, **found}
        found[_KEY] = digest.of_parts({key: str(properties[key]).encode() for key in properties})
        if not found[_WHY_NONE]:
            self._publish_again(found[_KEY], _output_of(properties))
        output = driver_output_pb2.DriverOutput()
        for name, value in found.items():
            data_types_utils.set_metadata_value(output.exec_properties[name], value)
        return output

    def _publish_again(self, key: str, output: Path) -> None:
        for artifact in reversed(self._earlier()):
            made = Path(artifact.uri) / _file_name(output)
            if artifact.custom_properties[_KEY].string_value == key and made.exists():
                publish(made, output)
                return

    def _earlier(self) -> list[metadata_store_pb2.Artifact]:
        """Returns the results of earlier runs, oldest first."""
        kind = standard_artifacts.InferenceResult.TYPE_NAME
        with self._mlmd_connection as handle:
            try:
                made = handle.store.get_artifacts_by_type(kind)
            except errors.NotFoundError:
                return []
        alive = [each for each in made if each.state == metadata_store_pb2.Artifact.LIVE]
        return sorted(alive, key=lambda artifact: artifact.id)


class Executor(base_beam_executor.BaseBeamExecutor):
    """Reads, predicts and writes; a range of a file is the unit of work."""

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Writes the predictions and the rejects, and publishes a copy of them.

        Without rows, or a version, the artifact's `reason` says so, and what was published stays.

        Raises:
          WrongInput: the rows can't be read, or the output can't be written.
        """
        result = artifact_utils.get_single_instance(output_dict["inference_result"])
        result.set_int_custom_property("predicted_rows", 0)
        result.set_string_custom_property(_KEY, exec_properties[_KEY])
        reason = exec_properties[_WHY_NONE]
        if not reason:
            reason = self._predicted(result, exec_properties)
        result.set_string_custom_property("reason", reason)

    def _predicted(self, result: types.Artifact, properties: Mapping[str, Any]) -> str:
        """Predicts the rows; returns why there are no predictions, or an empty string."""
        output = _output_of(properties)
        made = Path(result.uri) / _file_name(output)
        version = find(_versions(properties), properties[_VERSION])
        if version is None:
            return f"version {properties[_VERSION]} was deleted meanwhile"
        fetch(_versions(properties), version)
        rows = _source(properties).find().tables
        try:
            written = predict(rows, version, made, _keep(properties), partial(beam_pipeline, self))
        except NoRows as error:
            return str(error)
        publish(made, output)
        log.info("%d rows predicted by version %d: %s", written.rows, version.number, output)
        result.set_int_custom_property("predicted_rows", written.rows)
        result.set_int_custom_property("rejected_rows", written.rejected)
        result.set_string_custom_property("predicted_by", str(version.number))
        result.set_string_custom_property("published", str(output))
        return ""


class BulkInferrer(base_beam_component.BaseBeamComponent):
    """Predicts rows of files, or of a query, with the live version; published as one file.

    Args:
      rows: where the rows are.
      span: which span of them.
      keep: the columns to write beside the predictions; None for those that the model doesn't read.
      output: the file to publish; a relative path starts at `$BELTLINE_ROOT`.
      directory: folder of all served models.
      name: the model's name.
    """

    SPEC_CLASS = BulkInferrerSpec
    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(Executor)
    DRIVER_CLASS = Driver

    def __init__(
        self,
        *,
        rows: Source,
        span: Any,
        keep: list[str] | None = None,
        output: str,
        directory: str,
        name: str,
    ):
        super().__init__(
            BulkInferrerSpec(
                path=rows.path,
                query=rows.query,
                changed_by=rows.changed_by,
                span=span,
                keep=json.dumps(keep),
                output=output,
                directory=directory,
                name=name,
                code_digest=digest_of_sources(),
                inference_result=types.Channel(type=standard_artifacts.InferenceResult),
            )
        )


def _found(given: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the execution properties that say which rows are predicted by which version."""
    nothing = {"span": given["span"], _DIGEST: "", _VERSION: 0, _MODEL: ""}
    number = live(_versions(given))
    version = None if number is None else find(_versions(given), number)
    if version is None:
        return {**nothing, _WHY_NONE: _NO_VERSION}
    source = _source(given)
    try:
        span = source.find()
        check_folder(_output_of({**given, "span": span.name}), root_folder(), _taken(given))
        check_place(_output_of({**given, "span": span.name}), source, span)
        rows = source.digest(span, _unread(span, version, given))
    except NoData as error:
        return {**nothing, _WHY_NONE: str(error)}
    return {
        "span": span.name,
        _DIGEST: rows,
        _VERSION: version.number,
        _MODEL: version.digest,
        _WHY_NONE: "",
    }


def _unread(span: tables.Span, version: Version, given: Mapping[str, Any]) -> set[str]:
    """Returns the columns that are neither predicted from nor written."""
    names = tables.column_names(span.tables)
    kinds = kinds_of(version)
    return set(names) - set(kinds) - set(kept_columns(names, kinds, _keep(given), span.tables[0]))


def _source(given: Mapping[str, Any]) -> Source:
    words = {key: given[key] for key in ("path", "query", "changed_by", "span")}
    return Source(**words, section="predict")


def _keep(given: Mapping[str, Any]) -> list[str] | None:
    keep: list[str] | None = json.loads(given["keep"])
    return keep


def _versions(given: Mapping[str, Any]) -> Place:
    return served_versions(given["directory"], given["name"])


def _output_of(given: Mapping[str, Any]) -> Path:
    return output_file(given["output"], given["span"], root_folder())


def _taken(given: Mapping[str, Any]) -> tuple[str, ...]:
    return (*KEPT, given["directory"])


def _file_name(output: Path) -> str:
    return f"predictions{output.suffix}"
