"""The role and the type of each column, from the curated schema and the settings together."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from tensorflow_metadata.proto.v0 import schema_pb2

from beltline.base.errors import WrongInput
from beltline.base.hints import did_you_mean
from beltline.pipeline.settings.data import Part
from beltline.pipeline.settings.reading import Project
from beltline.pipeline.settings.settings import Settings
from beltline.pipeline.tables import Kind

_KINDS: dict[int, Kind] = {
    schema_pb2.INT: "integer",
    schema_pb2.FLOAT: "number",
    schema_pb2.BYTES: "text",
}


@dataclass(frozen=True)
class FeatureSpec:
    """The columns of the data, and what the model uses each of them as."""

    kinds: dict[str, Kind]
    """The type of every column of the schema, the label included."""
    numeric: tuple[str, ...]
    """Inputs of the model that are used as numbers."""
    categorical: tuple[str, ...]
    """Inputs of the model that are used as categories; a column may be in both."""
    timestamps: dict[str, tuple[Part, ...]]
    """Inputs of the model that are times, and the numbers that are made of each."""
    classes: tuple[str, ...]
    """The label's values in the order of their index: binary, the positive one last; regression,
    none."""
    domains: dict[str, tuple[str, ...]]
    """The values of the text columns for which the schema lists them."""

    @property
    def inputs(self) -> set[str]:
        """The columns that the model reads."""
        return {*self.numeric, *self.categorical, *self.timestamps}

    def for_models(self, settings: Settings) -> dict[str, Any]:
        """Returns the section `features` of the model code's `custom_config`."""
        inputs = self.inputs
        return {
            "columns": {name: kind for name, kind in self.kinds.items() if name in inputs},
            "numeric": list(self.numeric),
            "categorical": list(self.categorical),
            "timestamps": {name: list(parts) for name, parts in self.timestamps.items()},
            "label": settings.label.column,
            "task": settings.label.task,
            "classes": list(self.classes),
            "domains": {name: v for name, v in self.domains.items() if name in inputs},
            "numbers": settings.features.numbers,
            "vocabulary_size": settings.features.vocabulary_size,
            "out_of_vocabulary_buckets": settings.features.out_of_vocabulary_buckets,
        }

    def problem(self, settings: Settings, inputs_only: bool = False) -> str:
        """Returns, as JSON, the label and the columns: models of equal problems can be compared.

        Args:
          settings: the label and its task.
          inputs_only: list the columns that the model reads, instead of all.
        """
        inputs = self.inputs
        kinds = {n: kind for n, kind in self.kinds.items() if n in inputs or not inputs_only}
        problem: dict[str, Any] = {
            "label": settings.label.column,
            "task": settings.label.task,
            "classes": self.classes,
            "columns": kinds,
        }
        if inputs_only and self.timestamps:
            problem["timestamps"] = self.timestamps
        return json.dumps(problem, sort_keys=True)

    def unread(self, settings: Settings) -> str:
        """Returns, as JSON, the table's columns that the model doesn't read, such as an id."""
        return json.dumps(sorted({*self.kinds, *settings.features.exclude} - self.inputs))


def derive_feature_spec(project: Project, schema: schema_pb2.Schema) -> FeatureSpec:
    """Returns the role of each column of `schema`.

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
    timestamps = _timestamps(settings, features, inputs)
    return FeatureSpec(
        kinds={name: _KINDS[feature.type] for name, feature in features.items()},
        numeric=tuple(name for name in inputs if _is_number(settings, features[name])),
        categorical=tuple(name for name in inputs if _is_category(settings, features[name])),
        timestamps=timestamps,
        classes=_classes(settings, schema, features[settings.label.column]),
        domains={name: found for name in features if (found := _domain(schema, features[name]))},
    )


def _features(schema: schema_pb2.Schema) -> dict[str, schema_pb2.Feature]:
    features: dict[str, schema_pb2.Feature] = {}
    for feature in schema.feature:
        if feature.name in features:
            raise WrongInput(f"schema: duplicate column '{feature.name}'")
        if feature.type not in _KINDS:
            raise WrongInput(
                f"schema: invalid type of column '{feature.name}': allowed: INT, FLOAT, BYTES"
            )
        features[feature.name] = feature
    return features


def _inputs(settings: Settings, features: dict[str, schema_pb2.Feature]) -> list[str]:
    if settings.label.column in settings.features.exclude:
        raise WrongInput(f"features.exclude: '{settings.label.column}' is the label")
    left_out = {settings.label.column, *settings.features.exclude}
    chosen = features if settings.features.include is None else settings.features.include
    inputs = [name for name in dict.fromkeys(chosen) if name not in left_out]
    if not inputs:
        raise WrongInput("features: no column left as an input of the model")
    return inputs


def _timestamps(
    settings: Settings, features: dict[str, schema_pb2.Feature], inputs: list[str]
) -> dict[str, tuple[Part, ...]]:
    given = settings.features.timestamps
    for name in given:
        key = f"features.timestamps.{name}"
        if name in {settings.label.column, *settings.features.exclude}:
            raise WrongInput(f"{key}: is the label, or in features.exclude")
        _known(key, [name], features)
        if name not in inputs:
            raise WrongInput(f"{key}: is not in features.include")
        if name in settings.features.overrides:
            raise WrongInput(f"{key}: can't be combined with `features.overrides.{name}`")
        if features[name].type != schema_pb2.BYTES:
            raise WrongInput(f"{key}: a time is text, BYTES in the schema")
    return {name: tuple(dict.fromkeys(parts)) for name, parts in given.items()}


def _is_number(settings: Settings, feature: schema_pb2.Feature) -> bool:
    override = settings.features.overrides.get(feature.name)
    if override in ("number", "both") and feature.type == schema_pb2.BYTES:
        raise WrongInput(
            f"features.overrides.{feature.name}: the schema says BYTES, which is not a number; "
            "change it to FLOAT there"
        )
    if override:
        return override in ("number", "both")
    return feature.type != schema_pb2.BYTES


def _is_category(settings: Settings, feature: schema_pb2.Feature) -> bool:
    if feature.name in settings.features.timestamps:
        return False
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
        raise WrongInput(f"label: duplicate class of '{label.name}' in the schema")
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
        raise WrongInput(
            f"label.positive: unknown class '{positive}': allowed: {', '.join(values)}"
        )
    return (next(value for value in values if value != positive), positive)


def _known(key: str, named: Iterable[str], known: Iterable[str]) -> None:
    known = list(known)
    for name in named:
        if name not in known:
            hint = did_you_mean(name, known)
            raise WrongInput(f"{key}: no column '{name}' in the schema{hint}")
