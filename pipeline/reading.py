"""Reads `pipeline.yaml` and `--set` into `Settings`, and says where each mistake stands."""

import difflib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import yaml
from pydantic import BaseModel, ValidationError

from bundle.errors import WrongInput
from pipeline.settings import Settings

Place = tuple[str | int, ...]


@dataclass(frozen=True)
class Project:
    """Settings, and the folder that their relative paths start from."""

    settings: Settings
    file: Path

    @property
    def folder(self) -> Path:
        """The folder of `pipeline.yaml`."""
        return self.file.parent

    def resolve(self, path: str) -> Path:
        """Returns `path` as seen from the folder of `pipeline.yaml`."""
        return self.folder / Path(path).expanduser()


def read_project(file: Path, overrides: Sequence[str] = ()) -> Project:
    """Reads the settings in `file`, with each `key.key=value` of `overrides` laid over them.

    Raises:
      WrongInput: a mistake in the file or in an override; the message has a line for each, with
        its place, the value and what is allowed.
    """
    document = _Document.read(file)
    for override in overrides:
        document.override(override)
    try:
        return Project(Settings.model_validate(document.values), file.absolute())
    except ValidationError as error:
        raise WrongInput("\n".join(document.explain(error))) from None


class _Document:
    """The file's values, and for each key the place to name when it is wrong."""

    def __init__(self, file: Path, values: dict[str, Any], places: dict[Place, str]):
        self.file = file
        self.values = values
        self._places = places

    @classmethod
    def read(cls, file: Path) -> "_Document":
        try:
            text = file.read_text(encoding="utf-8")
        except FileNotFoundError:
            raise WrongInput(
                f"{file}: no such file; `beltline init DATA --label COL` writes one"
            ) from None
        except (OSError, UnicodeDecodeError) as error:
            raise WrongInput(f"{file}: can't be read: {error}") from None
        try:
            node = yaml.compose(text, Loader=yaml.SafeLoader)
            values = yaml.safe_load(text)
        except yaml.YAMLError as error:
            raise WrongInput(_not_yaml(file, error)) from None
        if not isinstance(values, dict):
            raise WrongInput(f"{file}:1: must be a mapping of settings, such as `name: casting`")
        return cls(file, values, dict(_places(file, node)))

    def override(self, override: str) -> None:
        key, equals, text = override.partition("=")
        steps = tuple(key.split("."))
        if not equals or not all(steps):
            raise WrongInput(f"--set {override}: must read key=value, such as training.epochs=5")
        try:
            value = yaml.safe_load(text)
        except yaml.YAMLError:
            value = text
        section: Any = self.values
        for step in steps[:-1]:
            section = section.setdefault(step, {})
            if not isinstance(section, dict):
                raise WrongInput(f"--set {override}: '{step}' holds a value, not a section")
        section[steps[-1]] = value
        for length in range(1, len(steps) + 1):
            self._places.setdefault(steps[:length], f"--set {override}")
        self._places[steps] = f"--set {override}"

    def explain(self, error: ValidationError) -> list[str]:
        """Returns a line for each mistake: where, what, why, and what is allowed."""
        # A union reports each of its types; the first says enough.
        mistakes = {self._key(tuple(e["loc"])): e for e in reversed(error.errors())}
        return [self._line(key, e) for key, e in reversed(mistakes.items())]

    def _line(self, key: Place, mistake: Any) -> str:
        name = ".".join(str(step) for step in key)
        where = next(
            (self._places[key[:n]] for n in range(len(key), 0, -1) if key[:n] in self._places),
            f"{self.file}:1",
        )
        if mistake["type"] == "extra_forbidden":
            why = f"unknown key{_nearest(str(key[-1]), _keys_of_section(key[:-1]))}"
        elif mistake["type"] == "missing":
            why = "is missing"
        elif mistake["type"] == "value_error":
            why = str(mistake["ctx"]["error"])
        elif mistake["type"] == "literal_error":
            choices = re.findall(r"'([^']*)'", mistake["ctx"]["expected"])
            why = f"{mistake['input']!r} is no choice{_nearest(str(mistake['input']), choices)}"
        else:
            why = f"{mistake['msg']}, got {mistake['input']!r}"
        return f"{where}: {name}: {why}" if name else f"{where}: {why}"

    def _key(self, place: Place) -> Place:
        """Returns the part of `place` that the file holds, without pydantic's own steps."""
        key: Place = ()
        model: Any = Settings
        for step in place:
            if step == "[key]" or not isinstance(model, type | dict | list):
                break
            key = (*key, step)
            model = _inner(model, step)
        return key


def _places(file: Path, node: yaml.Node | None, key: Place = ()) -> Iterable[tuple[Place, str]]:
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for name, value in node.value:
            where = f"{file}:{name.start_mark.line + 1}"
            if str(name.value) in seen:
                raise WrongInput(f"{where}: {'.'.join(map(str, (*key, name.value)))}: given twice")
            seen.add(str(name.value))
            yield (*key, name.value), where
            yield from _places(file, value, (*key, name.value))
    elif isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            yield (*key, index), f"{file}:{item.start_mark.line + 1}"
            yield from _places(file, item, (*key, index))


def _inner(model: Any, step: str | int) -> Any:
    """Returns the type that `step` leads to from `model`, or None past the settings' own keys."""
    if isinstance(model, type) and issubclass(model, BaseModel):
        field = next((f for name, f in model.model_fields.items() if step in (f.alias, name)), None)
        return _first_container(field.annotation) if field else None
    if isinstance(model, dict | list):
        return next(iter(model)) if isinstance(model, list) else model["value"]
    return None


def _first_container(annotation: Any) -> Any:
    """Returns the section, the list or the mapping in `annotation`, if it holds one."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    origin = getattr(annotation, "__origin__", None)
    if origin is dict:
        return {"value": _first_container(get_args(annotation)[1])}
    if origin is list:
        return [None]
    inner = (_first_container(part) for part in get_args(annotation))
    return next((found for found in inner if found is not None), None)


def _keys_of_section(place: Place) -> list[str]:
    model: Any = Settings
    for step in place:
        model = _inner(model, step)
    if isinstance(model, type) and issubclass(model, BaseModel):
        return [field.alias or name for name, field in model.model_fields.items()]
    return []


def _nearest(word: str, allowed: Sequence[str]) -> str:
    close = difflib.get_close_matches(word, allowed, n=1)
    hint = f"; did you mean '{close[0]}'?" if close else ""
    return f"{hint} (allowed: {', '.join(allowed)})" if allowed else hint


def _not_yaml(file: Path, error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    where = f"{file}:{mark.line + 1}:{mark.column + 1}" if mark else str(file)
    return f"{where}: is not YAML: {getattr(error, 'problem', None) or error}"
