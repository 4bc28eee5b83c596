"""DataGate: stops the run on anomalous data; ExampleValidator only writes anomalies down."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import anomalies_pb2, statistics_pb2
from tfx import types
from tfx.dsl.components.base import base_component, base_executor, executor_spec
from tfx.types import artifact_utils, component_spec, standard_artifacts

from bundle.errors import GateRefused
from pipeline.components import digest_of_sources

_MOST_NAMED = 12


class DataGateSpec(component_spec.ComponentSpec):
    """What the component takes and gives."""

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
    """Reads what ExampleValidator found, and looks at the label itself."""

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
        passed.split_names = found.split_names
        reasons: dict[str, list[str]] = {}
        for split in artifact_utils.decode_split_names(found.split_names):
            anomalies = _anomalies(found, split)
            for reason in (
                *blocking(anomalies),
                *wrong_label(_statistics(statistics, split), exec_properties),
            ):
                reasons.setdefault(reason, []).append(split)
            _write(passed, split, anomalies)
        if reasons:
            raise GateRefused("\n".join(_listed(reasons)))


class DataGate(base_component.BaseComponent):
    """Passes the run on only where no anomaly blocks.

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


def blocking(anomalies: anomalies_pb2.Anomalies) -> Iterator[str]:
    """Yields a line for each anomaly of severity ERROR: the column, and what is wrong with it."""
    for column, info in sorted(anomalies.anomaly_info.items()):
        if info.severity != anomalies_pb2.AnomalyInfo.ERROR:
            continue
        for reason in info.reason:
            kind = anomalies_pb2.AnomalyInfo.Type.Name(reason.type)
            yield f"'{column}': {reason.short_description}: {reason.description} [{kind}]"
    if anomalies.dataset_anomaly_info.reason:
        for reason in anomalies.dataset_anomaly_info.reason:
            yield f"the data: {reason.short_description}: {reason.description}"


def wrong_label(
    statistics: statistics_pb2.DatasetFeatureStatistics, properties: dict[str, Any]
) -> Iterator[str]:
    """Yields what makes a split useless to learn from: no rows, or a single class."""
    if not statistics.num_examples:
        yield "the split has no rows: give it a larger share, or more data"
        return
    label = properties["label"]
    for feature in statistics.features:
        if label in (feature.name, *feature.path.step):
            if properties["classes"] and feature.string_stats.unique < 2:
                yield f"'{label}': the label has one class only"
            return


def _listed(reasons: dict[str, list[str]]) -> Iterable[str]:
    for reason, splits in list(reasons.items())[:_MOST_NAMED]:
        yield f"{reason} (in {', '.join(splits)})"
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
