"""The OpenAPI document of the server, generated from the live version's signatures.

It keeps to what OpenAPI 3.0 and 3.1 have in common, since Swagger UI reads it as 3.0. A further
path is an entry in `_paths`.
"""

import json
import math
from typing import Any

import numpy as np
import orjson

from beltline.base.values import MAX_WHOLE, Kind
from beltline.bundle.environment import VERSION
from beltline.serving.options import Options
from beltline.serving.rest import openapi_parts as parts
from beltline.serving.rest.open_inference import document as open_inference
from beltline.serving.rest.openapi_parts import Json
from beltline.serving.servables.columns import table_columns
from beltline.versions.folder import CHECK_ROWS
from beltline.versions.loaded.servable import Servable
from beltline.versions.loaded.signature import DEFAULT_SIGNATURE, Signature

_ABOUT = """\
Serves the live version of the model with TensorFlow Serving's REST API, and below `/v2/` with the
Open Inference Protocol. `null` is a missing value. A text in a column of numbers is the number that
it spells.
`/v1/models/NAME/versions/V` and `/v1/models/NAME/labels/live` or `previous` address a certain
version.
"""
_ERROR: Json = {
    "type": "object",
    "properties": {"error": {"type": "string"}},
    "required": ["error"],
}
_VERSION: Json = {"type": "string", "description": "The version that answered."}
_UNREAD: Json = {"description": "A column of the table that the model does not read; ignored."}
_ROW_KEY: Json = {"anyOf": [{"type": "string"}, {"type": "integer"}, {"type": "null"}]}


class OpenApi:
    """The document of one server."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._made: tuple[tuple[int | None, str], bytes] | None = None

    def document(self, live: Servable | None, prefix: str = "") -> bytes:
        """Returns the document as JSON; generated once per live version.

        Args:
          live: the live version; None if there is none.
          prefix: what comes before each path where the client is.
        """
        made_for = live.number if live else None, prefix
        if self._made is None or self._made[0] != made_for:
            document = self._document(live) | ({"servers": [{"url": prefix}]} if prefix else {})
            self._made = made_for, orjson.dumps(document)
        return self._made[1]

    def _document(self, live: Servable | None) -> Json:
        secured = bool(self._options.token)
        components: Json = {"schemas": {"Error": _ERROR}}
        if secured:
            components["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
        return {
            "openapi": "3.1.0",
            "info": {"title": self._options.name, "version": VERSION, "description": _ABOUT},
            "paths": self._paths(live),
            "components": components,
            **({"security": [{"token": []}]} if secured else {}),
        }

    def _paths(self, live: Servable | None) -> Json:
        model = f"/v1/models/{self._options.name}"
        paths = {
            model: {"get": parts.operation("status", "The state of each version.")},
            f"{model}/metadata": {
                "get": parts.operation("metadata", "The signatures of the model.")
            },
            f"{model}:predict": {"post": self._predict(live)},
            "/healthz": {"get": parts.page("healthz", "Whether the process is alive.")},
            "/readyz": {"get": parts.page("readyz", "Whether a version is live.")},
        }
        signature = live.signatures.get(DEFAULT_SIGNATURE) if live else None
        row = _example(live, signature) if live and signature else None
        paths |= open_inference.paths(self._options.name, signature, row)
        for method in ("classify", "regress"):
            if live and any(_method(each) == method for each in live.signatures.values()):
                paths[f"{model}:{method}"] = {
                    "post": _of_examples(method, live, self._features(live))
                }
        return paths

    def _predict(self, live: Servable | None) -> Json:
        signature = live.signatures.get(DEFAULT_SIGNATURE) if live else None
        operation = parts.operation("predict", "Predictions for rows, or for columns.")
        if live is None or signature is None:
            return operation | {"requestBody": parts.body(parts.ANY_OBJECT)}
        columns = {
            signature.columns.get(name, name): parts.value(tensor)
            for name, tensor in signature.inputs.items()
        }
        row = self._row(live, columns) | {"required": list(columns)}
        recorded = _example(live, signature)
        example = None if recorded is None else {"instances": [recorded]}
        operation["requestBody"] = parts.body(_either(row, signature, self._options), example)
        operation["responses"]["200"] = parts.response("The predictions.", _answers(signature))
        return operation

    def _features(self, live: Servable) -> Json:
        """Returns the schema of an Example; each column is required, but may be in the context."""
        kinds = table_columns(live.version).kinds
        if not kinds:
            return {"type": "object", "additionalProperties": _ANY_FEATURE}
        return self._row(live, {name: _FEATURES[kind] for name, kind in kinds.items()})

    def _row(self, live: Servable, columns: Json) -> Json:
        """Returns the schema of a row of these columns, and what else it may have."""
        fields: Json = dict.fromkeys(sorted(table_columns(live.version).unread), _UNREAD)
        if self._options.sampling.key is not None:
            fields[self._options.sampling.key] = _ROW_KEY
        row = parts.object_of({**fields, **columns}, [])
        return row | {"additionalProperties": self._options.limits.unknown_columns == "ignore"}


def _either(row: Json, signature: Signature, options: Options) -> Json:
    """Returns the schema of a request: rows, or columns."""
    columns = {name: {"type": "array", "items": value} for name, value in row["properties"].items()}
    instances = {"type": "array", "items": row, "minItems": 1, "maxItems": options.limits.max_rows}
    inputs = {**row, "properties": columns}
    name = {"type": "string", "enum": [signature.name]}
    return {
        "oneOf": [
            parts.object_of({"instances": instances, "signature_name": name}, ["instances"]),
            parts.object_of({"inputs": inputs, "signature_name": name}, ["inputs"]),
        ]
    }


def _answers(signature: Signature) -> Json:
    # Infinity, which an answer may hold, is beyond any limit.
    outputs = {
        name: parts.value(tensor, {"type": "number"} if tensor.dtype.kind == "f" else None)
        for name, tensor in signature.outputs.items()
    }
    row: Json = parts.object_of(outputs, list(outputs))
    if len(outputs) == 1:
        row = next(iter(outputs.values()))
    predictions = {"type": "array", "items": row}
    return {
        "oneOf": [
            parts.object_of(
                {"predictions": predictions, "version": _VERSION}, ["predictions", "version"]
            ),
            parts.object_of({"outputs": {}, "version": _VERSION}, ["outputs", "version"]),
        ]
    }


def _method(signature: Signature) -> str:
    return signature.method.rpartition("/")[2]


def _of_examples(method: str, live: Servable, example: Json) -> Json:
    operation = parts.operation(
        method, "Classes or values for examples, each an object of features."
    )
    names = [name for name, each in live.signatures.items() if _method(each) == method]
    properties = {
        "context": example,
        "examples": {"type": "array", "items": example, "minItems": 1},
        "signature_name": {"type": "string", "enum": names},
    }
    operation["requestBody"] = parts.body(parts.object_of(properties, ["examples"]))
    return operation


_MAX_FLOAT = float(np.finfo(np.float32).max)
_FLOAT: Json = {"type": "number", "minimum": -_MAX_FLOAT, "maximum": _MAX_FLOAT}
_ANY_FEATURE: Json = {"anyOf": [_FLOAT, {"type": "string"}, {"type": "boolean"}]}
_FEATURES: dict[Kind, Json] = {
    "integer": parts.or_null({"type": "integer", "minimum": -MAX_WHOLE, "maximum": MAX_WHOLE}),
    "number": parts.or_null(_FLOAT),
    "text": parts.or_null({"type": "string"}),
}


def _example(live: Servable, signature: Signature) -> Json | None:
    """Returns the first of the recorded rows; None if there are none."""
    try:
        recorded = json.loads((live.version.path / CHECK_ROWS).read_text(encoding="utf-8"))["rows"]
        return {
            signature.columns.get(name, name): _plain(recorded[name][0])
            for name in signature.inputs
        }
    except (OSError, ValueError, KeyError, IndexError, TypeError):
        return None


def _plain(value: Any) -> Any:
    missing = isinstance(value, float) and not math.isfinite(value)
    return None if missing else value
