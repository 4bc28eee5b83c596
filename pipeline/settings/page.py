"""Generates docs/settings.md from the settings (`make docs`).

A new setting needs no change here. A new type is described in `_words`, a new limit in `_LIMITS`.
TFX is not imported.
"""

import json
from collections.abc import Iterator
from typing import Any, get_args, get_origin

from pydantic.fields import FieldInfo

from beltline.base.settings.section import Section
from beltline.pipeline.settings.evaluation import LOWER_IS_BETTER, METRICS_OF_TASK
from beltline.pipeline.settings.settings import Settings

_HEAD = """\
# Settings

<!-- Written by `make docs` from pipeline/settings/ and base/settings/; change it there. -->

Every key of `pipeline.yaml`. `beltline init` writes a short file; omitted keys have their defaults.
An unknown key is an error that names the nearest known one.

- `--set KEY=VALUE` overrides a value for one call, by its full key: `--set training.epochs=5`. It
  can be repeated.
- A relative path starts at the folder of `pipeline.yaml`, unless its description says otherwise.
- Environment variables override root, metadata and data; see [commands](commands.md#environment).

`NAME` is a name of your choice, or one of those that the type lists.
"""
_LIMITS = {
    "minimum": "at least {}",
    "exclusiveMinimum": "above {}",
    "maximum": "at most {}",
    "exclusiveMaximum": "below {}",
    "pattern": "as `{}`",
    "minItems": "{} or more of them",
}
_PLAIN = {
    "string": "text",
    "integer": "whole number",
    "number": "number",
    "boolean": "`true` or `false`",
}


def page() -> str:
    """Returns the page in Markdown: a table for each section, then the metrics of each task."""
    parts = [_HEAD]
    for key, section, description in sections():
        heading = f"## `{key}`" if key else "## Top level"
        parts.append("\n".join([heading, "", description, "", *_table(section)]) + "\n")
    parts.append("\n".join(_metrics()) + "\n")
    return "\n".join(parts)


def sections(
    section: type[Section] = Settings, key: str = "", description: str = ""
) -> Iterator[tuple[str, type[Section], str]]:
    """Yields each section with its full key and its description, the outer ones first."""
    yield key, section, description or str(section.__doc__)
    for name, field in section.model_fields.items():
        inner, step = section_in(field)
        if inner:
            full = f"{key}.{field.alias or name}".lstrip(".") + step
            # One section may be used under several keys: the field's description is more exact.
            yield from sections(inner, full, str(field.description) if step else "")


def section_in(field: FieldInfo) -> tuple[type[Section] | None, str]:
    """Returns the section that a field holds, and the step to it where it holds one per name."""
    found = _section(field.annotation)
    return found, ".NAME" if found and get_origin(field.annotation) is dict else ""


def _section(kind: Any) -> type[Section] | None:
    if isinstance(kind, type) and issubclass(kind, Section):
        return kind
    return next(filter(None, map(_section, get_args(kind))), None)


def _table(section: type[Section]) -> Iterator[str]:
    schema = section.model_json_schema(by_alias=True)
    yield "| key | type | default | description |"
    yield "|---|---|---|---|"
    for name, field in section.model_fields.items():
        key = field.alias or name
        kind = _words(schema["properties"][key], schema.get("$defs", {}))
        cells = (f"`{key}`", kind, _default(field), str(field.description))
        yield f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    value = field.get_default(call_default_factory=True)
    if value is None or isinstance(value, Section):
        return "-"
    return f"`{value if isinstance(value, str) else json.dumps(value)}`"


def _words(schema: dict[str, Any], definitions: dict[str, Any]) -> str:
    """Returns a type in words, from its JSON schema."""
    if "$ref" in schema:
        found = definitions[schema["$ref"].rpartition("/")[2]]
        return "section, see below" if "properties" in found else _words(found, definitions)
    if either := schema.get("anyOf") or schema.get("oneOf"):
        kinds = [kind for kind in either if kind.get("type") != "null"]
        return " or ".join(_words(kind, definitions) for kind in kinds)
    if "words" in schema:
        return str(schema["words"])
    if "enum" in schema or "const" in schema:
        return _choices(schema.get("enum") or [schema["const"]])
    limits = [words.format(schema[name]) for name, words in _LIMITS.items() if name in schema]
    return ", ".join([_plain(schema, definitions), *limits])


def _plain(schema: dict[str, Any], definitions: dict[str, Any]) -> str:
    if schema["type"] == "array":
        return f"list of: {_words(schema['items'], definitions)}"
    if schema["type"] != "object":
        return _PLAIN[schema["type"]]
    names = _choices(schema.get("propertyNames", {}).get("enum", []))
    # Where the names have a form of their own, that is what stands for it.
    [of_values] = schema.get("patternProperties", {}).values() or [schema["additionalProperties"]]
    return f"by name{f' ({names})' if names else ''}: {_words(of_values, definitions)}"


def _choices(values: list[Any]) -> str:
    return ", ".join(f"`{value}`" for value in values)


def _metrics() -> Iterator[str]:
    yield from (
        "## Metrics",
        "",
        "The metrics of each task. A candidate is compared with the champion on the",
    )
    yield from ("first one, unless `evaluation.champion.metric` names another.", "")
    yield from ("| task | metrics | lower is better |", "|---|---|---|")
    for task, metrics in METRICS_OF_TASK.items():
        less = _choices([metric for metric in metrics if metric in LOWER_IS_BETTER])
        yield f"| `{task}` | {_choices(list(metrics))} | {less or '-'} |"


if __name__ == "__main__":
    print(page(), end="")
