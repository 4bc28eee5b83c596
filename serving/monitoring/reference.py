"""The reference that is pushed with a version: training statistics, schema, answers."""

import json
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
from google.protobuf import text_format
from google.protobuf.message import DecodeError
from tensorflow_metadata.proto.v0 import schema_pb2, statistics_pb2

from beltline.base.errors import WrongInput
from beltline.versions.folder import SCHEMA, SCORES, STATISTICS, Version, fetch, find
from beltline.versions.live import live
from beltline.versions.loaded.errors import BrokenVersion
from beltline.versions.store import Place

TYPES = {
    statistics_pb2.FeatureNameStatistics.INT: pa.int64(),
    statistics_pb2.FeatureNameStatistics.FLOAT: pa.float32(),
    statistics_pb2.FeatureNameStatistics.STRING: pa.binary(),
}
"""The Arrow type of a column's values, by its type in the statistics."""


@dataclass(frozen=True)
class Reference:
    """A version, and the statistics and schema of the columns that it reads, without the label.

    `scores` has answers to rows of the evaluation split, a list by output; empty where the
    version has none.
    """

    version: Version
    statistics: statistics_pb2.DatasetFeatureStatistics
    schema: schema_pb2.Schema
    scores: dict[str, list[Any]]

    @property
    def types(self) -> dict[str, pa.DataType]:
        """The Arrow type of each column."""
        return {
            feature_name(feature): TYPES[feature.type]
            for feature in self.statistics.features
            if feature.type in TYPES
        }


def live_reference(folder: Place) -> Reference:
    """Returns the reference of the live version.

    Raises:
      WrongInput: no version has been pushed, or the live one lacks statistics or schema.
    """
    number = live(folder)
    version = None if number is None else find(folder, number)
    if version is None:
        raise WrongInput(f"{folder}: no version has been pushed yet; `beltline run` makes one")
    try:
        fetch(folder, version)
    except BrokenVersion as error:
        raise WrongInput(str(error)) from error
    statistics, schema = _statistics(version), _schema(version)
    columns = _columns(version, statistics)
    _keep(statistics.features, columns)
    _keep(schema.feature, columns)
    # They are for training data.
    schema.ClearField("dataset_constraints")
    return Reference(version, statistics, schema, _scores(version.path / SCORES))


def feature_name(feature: Any) -> str:
    """Returns the name of a feature of a schema or of statistics."""
    return feature.name or ".".join(feature.path.step)


def _columns(
    version: Version, statistics: statistics_pb2.DatasetFeatureStatistics
) -> Collection[str]:
    columns = version.problem.get("columns")
    if isinstance(columns, dict):
        return columns
    names = {feature_name(feature) for feature in statistics.features}
    return names - {version.problem.get("label")}


def _keep(features: Any, columns: Collection[str]) -> None:
    kept = [feature for feature in features if feature_name(feature) in columns]
    del features[:]
    features.extend(kept)


def _statistics(version: Version) -> statistics_pb2.DatasetFeatureStatistics:
    file = version.path / STATISTICS
    try:
        found = statistics_pb2.DatasetFeatureStatisticsList.FromString(file.read_bytes())
        return found.datasets[0]
    except (OSError, DecodeError, IndexError) as error:
        raise _incomplete(file, error) from None


def _schema(version: Version) -> schema_pb2.Schema:
    file = version.path / SCHEMA
    try:
        return text_format.Parse(file.read_text(encoding="utf-8"), schema_pb2.Schema())
    except (OSError, ValueError, text_format.ParseError) as error:
        raise _incomplete(file, error) from None


def _incomplete(file: Path, error: Exception) -> WrongInput:
    why = error.strerror if isinstance(error, OSError) else error
    return WrongInput(
        f"{file}: can't be read ({why}), so there is nothing to compare requests with; push a new "
        "version (`beltline run --force`), or roll back to one that has it (`beltline rollback`)"
    )


def _scores(file: Path) -> dict[str, list[Any]]:
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return {name: values for name, values in found.items() if isinstance(values, list) and values}
