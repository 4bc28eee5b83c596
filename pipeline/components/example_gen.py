"""ExampleGen: CSV and Parquet files to tf.Examples, in columns by Arrow from end to end.

The split of a row follows from its content (or from one named column, from its place in time, or
from that among the rows of its class), so the same rows land in the same split whatever the order
of files. The driver puts the digest of the files' contents into the execution properties: the cache
sees what the data are, not how old the file is.
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, Literal

from tfx import types
from tfx.dsl.components.base import base_beam_component, executor_spec
from tfx.orchestration import data_types_utils
from tfx.proto.orchestration import driver_output_pb2
from tfx.types import component_spec, standard_artifacts

from beltline.pipeline import tables
from beltline.pipeline.components import digest_of_sources
from beltline.pipeline.components.examples.config import source_of
from beltline.pipeline.components.examples.executor import Executor
from beltline.pipeline.components.private_api import NodeDriver


class ExampleGenSpec(component_spec.ComponentSpec):
    """The component's outputs and parameters; mappings are JSON."""

    PARAMETERS = {
        "path": component_spec.ExecutionParameter(type=str),
        "query": component_spec.ExecutionParameter(type=str),
        "changed_by": component_spec.ExecutionParameter(type=str),
        "span": component_spec.ExecutionParameter(type=str),
        "kinds": component_spec.ExecutionParameter(type=str),
        "exclude": component_spec.ExecutionParameter(type=str),
        "splits": component_spec.ExecutionParameter(type=str),
        "split_by": component_spec.ExecutionParameter(type=str),
        "time_gap": component_spec.ExecutionParameter(type=str),
        "stratify_by": component_spec.ExecutionParameter(type=str),
        "drop_without": component_spec.ExecutionParameter(type=str),
        "unreadable": component_spec.ExecutionParameter(type=str),
        "code_digest": component_spec.ExecutionParameter(type=str),
    }
    INPUTS: ClassVar[dict[str, Any]] = {}
    OUTPUTS = {"examples": component_spec.ChannelParameter(type=standard_artifacts.Examples)}


class Driver(NodeDriver):
    """Resolves the span, its files and their digest before the cache lookup."""

    def run(self, execution_info: Any) -> driver_output_pb2.DriverOutput:
        """Adds the execution property `data_digest`, and the same to the artifact.

        The execution property `span` becomes the span that was found: `latest` and the same day
        named are one for the cache, and the executor reads the same data.

        Raises:
          NoData: the span has no data.
        """
        given = execution_info.exec_properties
        source = source_of(given)
        found = source.find()
        digest = source.digest(found, json.loads(given["exclude"]), given["split_by"])
        properties = {"data_digest": digest, "span": found.name}
        output = driver_output_pb2.DriverOutput()
        for name, value in properties.items():
            data_types_utils.set_metadata_value(output.exec_properties[name], value)
        examples = execution_info.output_dict["examples"][0]
        examples.set_string_custom_property("data_digest", properties["data_digest"])
        if found.number is not None:
            examples.span = found.number
        if found.version is not None:
            examples.version = found.version
        output.output_artifacts["examples"].artifacts.append(examples.mlmd_artifact)
        return output


class ExampleGen(base_beam_component.BaseBeamComponent):
    """Rows of files, or of a query, as tf.Examples in splits.

    Args:
      path: a file, a folder or a pattern, perhaps with placeholders (see `tables/spans.py`);
        relative paths start at `$BELTLINE_DATA`. Empty where there is a query.
      query: an SQL query to the database that `$BELTLINE_DATABASE` names.
      changed_by: a query whose result tells whether that of `query` has changed.
      span: the span: `latest`, a day or a number.
      kinds: the expected kind of each known column; others are inferred. A column whose values
        don't fit is written with its actual kind, for ExampleValidator to report.
      exclude: columns that are not read.
      splits: share of each split by name.
      split_by: the column whose value decides the split; by default the whole row does.
      time_gap: with `split_by` a time: the latest rows are in the last split, and this share of
        the rows is left out before each split but the first. None splits by the value's hash.
      stratify_by: the label: each of its classes has its share in every split. Not with `split_by`.
      drop_without: a column; rows where it is missing are left out and counted.
      unreadable: `stop` at a row that can't be read, or `reject` it: such rows are left out,
        counted, and written to `rejects/` in the artifact.
    """

    SPEC_CLASS = ExampleGenSpec
    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(Executor)
    DRIVER_CLASS = Driver

    def __init__(  # noqa: PLR0913 - one argument for each execution property
        self,
        *,
        path: Any = "",
        query: str = "",
        changed_by: str = "",
        span: Any,
        kinds: Mapping[str, tables.Kind],
        exclude: Iterable[str],
        splits: Mapping[str, float],
        split_by: str | None = None,
        time_gap: float | None = None,
        stratify_by: str | None = None,
        drop_without: str | None = None,
        unreadable: Literal["stop", "reject"] = "stop",
    ):
        super().__init__(
            ExampleGenSpec(
                path=path,
                query=query,
                changed_by=changed_by,
                span=span,
                kinds=json.dumps(dict(kinds), sort_keys=True),
                exclude=json.dumps(sorted(exclude)),
                splits=json.dumps(dict(splits)),
                split_by=split_by or "",
                time_gap="" if time_gap is None else str(time_gap),
                stratify_by=stratify_by or "",
                drop_without=drop_without or "",
                unreadable=unreadable,
                code_digest=digest_of_sources(),
                examples=types.Channel(type=standard_artifacts.Examples),
            )
        )
