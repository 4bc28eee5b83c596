"""What each column is, from the curated schema and the settings together."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2

from beltline.base.errors import WrongInput
from beltline.base.hints import did_you_mean
from beltline.pipeline.settings.reading import Project
from beltline.pipeline.settings.settings import Settings
from beltline.pipeline.tables import Kind

_KINDS: dict[int, Kind] = {
    schema_pb2.INT: "integer",
    schema_pb2.FLOAT: "number",
    schema_pb2.BYTES: "text",
}


@dataclass(frozen=True)
class Columns:
    """The columns of the data and their use.

    `kinds` has every column of the schema, the label included; `numeric` and `categorical` are
    the model's inputs (a column may be in both); `classes` are the label's values in the order of
    their index, for a binary label the positive one last, for a regression none; `domains` are the
    values of the text columns for which the schema lists them.
    """

    kinds: dict[str, Kind]
    numeric: tuple[str, ...]
    categorical: tuple[str, ...]
    classes: tuple[str, ...]
    domains: dict[str, tuple[str, ...]]

    def for_models(self, settings: Settings) -> dict[str, Any]:
        """Returns what `models/` is told of the columns."""
        inputs = {*self.numeric, *self.categorical}
        return {
            "columns": {name: kind for name, kind in self.kinds.items() if name in inputs},
            "numeric": list(self.numeric),
            "categorical": list(self.categorical),
            "label": settings.label.column,
            "task": settings.label.task,
            "classes": list(self.classes),
            "domains": {name: v for name, v in self.domains.items() if name in inputs},
            "numbers": settings.features.numbers,
            "vocabulary_size": settings.features.vocabulary_size,
            "out_of_vocabulary_buckets": settings.features.out_of_vocabulary_buckets,
        }

    def problem(self, settings: Settings, inputs_only: bool = False) -> str:
        """Returns, as JSON, what is predicted and which columns of which kind there are.

        With `inputs_only` the columns are those that the model reads.
        """
        inputs = {*self.numeric, *self.categorical}
        kinds = {n: kind for n, kind in self.kinds.items() if n in inputs or not inputs_only}
        problem = {
            "label": settings.label.column,
            "task": settings.label.task,
            "classes": self.classes,
            "columns": kinds,
        }
        return json.dumps(problem, sort_keys=True)


def read_schema(file: Path) -> schema_pb2.Schema:
    """Reads a schema's text proto.

    Raises:
      WrongInput: the file is missing or is no schema; the message says where.
    """
    try:
        return text_format.Parse(file.read_text(encoding="utf-8"), schema_pb2.Schema())
    except (OSError, ValueError) as error:
        raise WrongInput(f"schema: {file}: can't be read: {error}") from None
    except text_format.ParseError as error:
        raise WrongInput(f"schema: {file}:{error}") from None


def schema_of(project: Project) -> schema_pb2.Schema:
    """Returns the schema without the columns that the settings exclude.

    They are not read, so the data gate must not miss them; one that the results are sliced by is.

    Raises:
      WrongInput: the file is missing or is no schema.
    """
    schema = read_schema(project.resolve(project.settings.schema_file))
    settings = project.settings
    unread = set(settings.features.exclude) - {*settings.evaluation.slices, settings.label.column}
    kept = [feature for feature in schema.feature if feature.name not in unread]
    del schema.feature[:]
    schema.feature.extend(kept)
    return schema


def columns_of(project: Project, schema: schema_pb2.Schema) -> Columns:
    """Returns the columns and their use.

    Raises:
      WrongInput: the settings name a column that the schema lacks, or the label does not fit.
    """
    settings = project.settings
    features = _features(schema)
    _known("label.column", [settings.label.column], features)
    _known("features.include", settings.features.include or [], features)
    _known("features.overrides", settings.features.overrides, features)
    _known("evaluation.slices", settings.evaluation.slices, features)
    inputs = _inputs(settings, features)
    return Columns(
        kinds={name: _KINDS[feature.type] for name, feature in features.items()},
        numeric=tuple(name for name in inputs if _is_number(settings, features[name])),
        categorical=tuple(name for name in inputs if _is_category(settings, features[name])),
        classes=_classes(settings, schema, features[settings.label.column]),
        domains={name: found for name in features if (found := _domain(schema, features[name]))},
    )


def _features(schema: schema_pb2.Schema) -> dict[str, schema_pb2.Feature]:
    features: dict[str, schema_pb2.Feature] = {}
    for feature in schema.feature:
        if feature.name in features:
            raise WrongInput(f"schema: the column '{feature.name}' is there twice")
        if feature.type not in _KINDS:
            raise WrongInput(f"schema: the column '{feature.name}' is not INT, FLOAT or BYTES")
        features[feature.name] = feature
    return features


def _inputs(settings: Settings, features: dict[str, schema_pb2.Feature]) -> list[str]:
    if settings.label.column in settings.features.exclude:
        raise WrongInput(f"features.exclude: '{settings.label.column}' is the label")
    left_out = {settings.label.column, *settings.features.exclude}
    chosen = features if settings.features.include is None else settings.features.include
    inputs = [name for name in dict.fromkeys(chosen) if name not in left_out]
    if not inputs:
        raise WrongInput("features: no column is left for the model to learn from")
    return inputs


def _is_number(settings: Settings, feature: schema_pb2.Feature) -> bool:
    override = settings.features.overrides.get(feature.name)
    if override in ("number", "both") and feature.type == schema_pb2.BYTES:
        raise WrongInput(
            f"features.overrides.{feature.name}: the schema says BYTES, which is no number; "
            "make it FLOAT there"
        )
    if override:
        return override in ("number", "both")
    return feature.type != schema_pb2.BYTES


def _is_category(settings: Settings, feature: schema_pb2.Feature) -> bool:
    override = settings.features.overrides.get(feature.name)
    if override in ("category", "both") and feature.type == schema_pb2.FLOAT:
        raise WrongInput(
            f"features.overrides.{feature.name}: the schema says FLOAT; a category is INT or BYTES"
        )
    if override:
        return override in ("category", "both")
    return feature.type == schema_pb2.BYTES or feature.int_domain.is_categorical


def _classes(
    settings: Settings, schema: schema_pb2.Schema, label: schema_pb2.Feature
) -> tuple[str, ...]:
    if settings.label.task == "regression":
        if label.type == schema_pb2.BYTES:
            raise WrongInput(f"label: '{label.name}' is text in the schema; a regression is FLOAT")
        return ()
    values = _domain(schema, label)
    if label.type != schema_pb2.BYTES or len(values) < 2:
        raise WrongInput(
            f"label: in the schema '{label.name}' must be BYTES with a string_domain of its classes"
        )
    if len(set(values)) < len(values):
        raise WrongInput(f"label: in the schema a class of '{label.name}' is there twice")
    if settings.label.task == "multiclass":
        return values
    return _binary(values, str(settings.label.positive))


def _domain(schema: schema_pb2.Schema, feature: schema_pb2.Feature) -> tuple[str, ...]:
    """Returns the values that the schema lists for a text column; none where it lists none."""
    shared = {domain.name: domain for domain in schema.string_domain}
    return tuple(shared.get(feature.domain, feature.string_domain).value)


def _binary(values: tuple[str, ...], positive: str) -> tuple[str, ...]:
    if len(values) != 2:
        raise WrongInput(f"label.task: binary, but the schema has {len(values)} classes")
    if positive not in values:
        raise WrongInput(f"label.positive: '{positive}' is none of {', '.join(values)}")
    return (next(value for value in values if value != positive), positive)


def _known(key: str, named: Iterable[str], known: Iterable[str]) -> None:
    known = list(known)
    for name in named:
        if name not in known:
            hint = did_you_mean(name, known)
            raise WrongInput(f"{key}: no column '{name}' in the schema{hint}")
