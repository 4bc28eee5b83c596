"""DataGate: refuses anomalous data; ExampleValidator only records anomalies."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import anomalies_pb2, schema_pb2, statistics_pb2
from tfx import types
from tfx.dsl.components.base import base_component, base_executor, executor_spec
from tfx.types import artifact_utils, component_spec, standard_artifacts

from beltline.base.errors import GateRefused
from beltline.pipeline.components import digest_of_sources

_MOST_NAMED = 12
_NOT_EXPECTED = (
    schema_pb2.PLANNED,
    schema_pb2.ALPHA,
    schema_pb2.DEBUG_ONLY,
    schema_pb2.DEPRECATED,
    schema_pb2.DISABLED,
)


class DataGateSpec(component_spec.ComponentSpec):
    """The component's inputs, outputs and parameters."""

    PARAMETERS = {
        "label": component_spec.ExecutionParameter(type=str),
        "classes": component_spec.ExecutionParameter(type=int),
        "code_digest": component_spec.ExecutionParameter(type=str),
    }
    INPUTS = {
        "statistics": component_spec.ChannelParameter(type=standard_artifacts.ExampleStatistics),
        "anomalies": component_spec.ChannelParameter(type=standard_artifacts.ExampleAnomalies),
    }
    OUTPUTS = {
        "passed": component_spec.ChannelParameter(type=standard_artifacts.ExampleAnomalies),
    }


class Executor(base_executor.BaseExecutor):
    """Checks ExampleValidator's anomalies and the label."""

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Writes the anomalies that don't block to `Split-<name>/SchemaDiff.txtpb`.

        Raises:
          GateRefused: an anomaly blocks, a split is empty, or the label has one class only; the
            message names each with its split.
        """
        found = artifact_utils.get_single_instance(input_dict["anomalies"])
        statistics = artifact_utils.get_single_instance(input_dict["statistics"])
        passed = artifact_utils.get_single_instance(output_dict["passed"])
        passed.split_names = statistics.split_names
        reasons: dict[Reason, list[str]] = {}
        # Those of the statistics: a split that ExampleValidator has left out must not pass unseen.
        splits = artifact_utils.decode_split_names(statistics.split_names)
        anomalies = {split: _anomalies(found, split) for split in splits}
        counted = {split: _statistics(statistics, split) for split in splits}
        for split in splits:
            wrong = wrong_label(counted[split], exec_properties)
            for reason in (*blocking(anomalies[split]), *(Reason(line, line) for line in wrong)):
                reasons.setdefault(reason, []).append(split)
            _write(passed, split, anomalies[split])
        for line in nowhere(anomalies[splits[0]].baseline, counted.values()):
            reasons.setdefault(Reason(line, line), list(splits))
        if reasons:
            raise GateRefused("\n".join(_listed(reasons)))


class DataGate(base_component.BaseComponent):
    """Refuses the run if an anomaly blocks.

    Args:
      statistics: StatisticsGen's output.
      anomalies: ExampleValidator's output.
      label: the label's column.
      classes: how many classes the label has; 0 for a regression.
    """

    SPEC_CLASS = DataGateSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)

    def __init__(
        self, statistics: types.Channel, anomalies: types.Channel, label: str, classes: int
    ):
        super().__init__(
            DataGateSpec(
                statistics=statistics,
                anomalies=anomalies,
                label=label,
                classes=classes,
                code_digest=digest_of_sources(),
                passed=types.Channel(type=standard_artifacts.ExampleAnomalies),
            )
        )


@dataclass(frozen=True)
class Reason:
    """Why data are refused: `line` says it; two of the same `kind` say it with other numbers."""

    kind: str
    line: str = field(compare=False)


def blocking(anomalies: anomalies_pb2.Anomalies) -> Iterator[Reason]:
    """Yields a reason for each anomaly above a warning: its line names the column."""
    # The keys of the map put names with a space or the like into quotes.
    named = {".".join(info.path.step) or key: info for key, info in anomalies.anomaly_info.items()}
    for column, info in sorted(named.items()):
        yield from _reasons(f"'{column}'", info)
    if anomalies.HasField("dataset_anomaly_info"):
        yield from _reasons("the data", anomalies.dataset_anomaly_info)


def _reasons(what: str, info: anomalies_pb2.AnomalyInfo) -> Iterator[Reason]:
    if info.severity == anomalies_pb2.AnomalyInfo.WARNING:
        return
    for reason in info.reason:
        kind = anomalies_pb2.AnomalyInfo.Type.Name(reason.type)
        line = f"{what}: {reason.short_description}: {reason.description} [{kind}]"
        yield Reason(f"{what}: {kind}", line)
    if not info.reason:
        line = f"{what}: {info.short_description or 'anomalous'}: {info.description}"
        yield Reason(line, line)


def nowhere(
    schema: schema_pb2.Schema, splits: Iterable[statistics_pb2.DatasetFeatureStatistics]
) -> Iterator[str]:
    """Yields the columns of the schema that no split has.

    To TFDV a column without `presence` may be missing altogether; a model would learn and serve
    as if it were there.
    """
    known = {
        _name(feature)
        for statistics in splits
        for feature in statistics.features
        if _values(feature)
    }
    for feature in schema.feature:
        if feature.lifecycle_stage not in _NOT_EXPECTED and feature.name not in known:
            yield (
                f"'{feature.name}': the column has no value in any row "
                "(`lifecycle_stage: DEPRECATED` in the schema allows it)"
            )


def wrong_label(
    statistics: statistics_pb2.DatasetFeatureStatistics, properties: dict[str, Any]
) -> Iterator[str]:
    """Yields why a split can't be learned from: no rows, no label, or a single class."""
    label, rows = properties["label"], statistics.num_examples
    if not rows:
        yield "the split has no rows: give it a larger share, or more data"
        return
    found = next((feature for feature in statistics.features if _name(feature) == label), None)
    if found is None or not _values(found):
        yield f"'{label}': the label is missing in every row"
        return
    if _values(found) < rows:
        remedy = "`data.unlabelled: drop` leaves them out"
        yield f"'{label}': the label is missing in some rows ({remedy})"
    if properties["classes"] and found.string_stats.unique < 2:
        yield f"'{label}': the label has one class only"


def _values(feature: statistics_pb2.FeatureNameStatistics) -> int:
    """Returns how many rows have a value."""
    kind = feature.WhichOneof("stats")
    return getattr(feature, kind).common_stats.num_non_missing if kind else 0


def _name(feature: statistics_pb2.FeatureNameStatistics) -> str:
    return feature.name or ".".join(feature.path.step)


def _listed(reasons: dict[Reason, list[str]]) -> Iterable[str]:
    for reason, splits in list(reasons.items())[:_MOST_NAMED]:
        yield f"{reason.line} (in {', '.join(splits)})"
    if len(reasons) > _MOST_NAMED:
        yield f"and {len(reasons) - _MOST_NAMED} more"


def _anomalies(artifact: types.Artifact, split: str) -> anomalies_pb2.Anomalies:
    file = Path(artifact_utils.get_split_uri([artifact], split)) / "SchemaDiff.pb"
    return anomalies_pb2.Anomalies.FromString(file.read_bytes())


def _statistics(artifact: types.Artifact, split: str) -> statistics_pb2.DatasetFeatureStatistics:
    file = Path(artifact_utils.get_split_uri([artifact], split)) / "FeatureStats.pb"
    return statistics_pb2.DatasetFeatureStatisticsList.FromString(file.read_bytes()).datasets[0]


def _write(artifact: types.Artifact, split: str, anomalies: anomalies_pb2.Anomalies) -> None:
    folder = Path(artifact_utils.get_split_uri([artifact], split))
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "SchemaDiff.txtpb").write_text(text_format.MessageToString(anomalies))
