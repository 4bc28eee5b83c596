"""A question to the live model: the fields of its form, filled in with a row that was recorded."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2

from beltline.versions.folder import CHECK_ROWS, SCHEMA, Version

PREFIX = "column:"
"""Of a field's name in the form, where the columns' names are not alone."""
_MOST_CHOICES = 200


@dataclass(frozen=True)
class Field:
    """A column: its kind (integer, number or text), its value as text, and the schema's values."""

    column: str
    kind: str
    value: str
    choices: list[str]

    @property
    def name(self) -> str:
        """Its name in the form."""
        return PREFIX + self.column


def fields_of(version: Version, form: Mapping[str, str] | None = None) -> list[Field]:
    """Returns the fields of a version's columns.

    The choices, and the values of an example, are those of the version's files, if these are on
    this machine.

    Args:
      version: the version.
      form: the values that somebody has filled in; None for those of an example.
    """
    kinds = {
        str(name): str(kind) for name, kind in _mapping(version.problem.get("columns")).items()
    }
    values = _example(version) if form is None else {}
    choices = _choices(version)
    return [
        Field(
            column=column,
            kind=kind,
            value=values.get(column, "") if form is None else form.get(PREFIX + column, ""),
            choices=choices.get(column, []) if kind == "text" else [],
        )
        for column, kind in kinds.items()
    ]


def row_of(fields: list[Field]) -> dict[str, str | None]:
    """Returns the row that the server is sent; an empty field is a missing value."""
    return {field.column: field.value or None for field in fields}


def _example(version: Version) -> dict[str, str]:
    """Returns the first row of the serving check."""
    try:
        found = json.loads((version.path / CHECK_ROWS).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    rows = _mapping(_mapping(found).get("rows"))
    return {
        name: _text(values[0])
        for name, values in rows.items()
        if isinstance(values, list) and values
    }


def _text(value: Any) -> str:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    # The model reads numbers with 32 bits, and they were recorded so.
    return str(np.float32(value)).removesuffix(".0") if isinstance(value, float) else str(value)


def _choices(version: Version) -> dict[str, list[str]]:
    """Returns the values of each column whose schema lists them, and not too many of them."""
    try:
        text = (version.path / SCHEMA).read_text(encoding="utf-8")
        schema = text_format.Parse(text, schema_pb2.Schema())
    except (OSError, ValueError, text_format.ParseError):
        return {}
    shared = {domain.name: domain for domain in schema.string_domain}
    found = {
        feature.name: list(shared.get(feature.domain, feature.string_domain).value)
        for feature in schema.feature
    }
    return {name: values for name, values in found.items() if len(values) <= _MOST_CHOICES}


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
