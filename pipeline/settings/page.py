"""Writes docs/settings.md from the settings themselves (`make docs`).

A new setting needs nothing here. A new kind of type needs its words in `_words`, a new limit its
words in `_LIMITS`. Nothing of TFX is imported.
"""

import json
from collections.abc import Iterator
from typing import Any, get_args

from pydantic.fields import FieldInfo

from beltline.base.section import Section
from beltline.pipeline.settings.settings import LOWER_IS_BETTER, METRICS_OF_TASK, Settings

_HEAD = """\
# Settings

<!-- Written by `make docs` from pipeline/settings/; change it there. -->

Everything that `pipeline.yaml` may say. `beltline init` writes a short one; every key that is not
there has its default. A key that is not listed here is an error, with the nearest one that is.

- `--set KEY=VALUE` lays a value over the file for one call, by the full key:
  `--set training.epochs=5`. It may be given several times.
- A path that is not absolute starts at the folder of `pipeline.yaml`, unless it says otherwise.
- Environment variables override the places; see [commands](commands.md#environment).

`NAME` stands for a name of your choice, or for one of those that the type lists.
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
            # One section may stand at several places: there the field knows better.
            yield from sections(inner, full, str(field.description) if step else "")


def section_in(field: FieldInfo) -> tuple[type[Section] | None, str]:
    """Returns the section that a field holds, and the step to it where it holds one per name."""
    kinds = [(field.annotation, ""), *((kind, ".NAME") for kind in get_args(field.annotation))]
    for kind, step in kinds:
        if isinstance(kind, type) and issubclass(kind, Section):
            return kind, step
    return None, ""


def _table(section: type[Section]) -> Iterator[str]:
    schema = section.model_json_schema(by_alias=True)
    yield "| key | type | default | what it is for |"
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
    if "anyOf" in schema:
        kinds = [kind for kind in schema["anyOf"] if kind.get("type") != "null"]
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
    yield from ("## Metrics", "", "Which metrics a label's task has; the first is the one on which")
    yield from ("a new model is compared with the champion, unless the settings name another.", "")
    yield from ("| task | metrics | less is better |", "|---|---|---|")
    for task, metrics in METRICS_OF_TASK.items():
        less = _choices([metric for metric in metrics if metric in LOWER_IS_BETTER])
        yield f"| `{task}` | {_choices(list(metrics))} | {less or '-'} |"


if __name__ == "__main__":
    print(page(), end="")
