"""Reads `pipeline.yaml` and `--set` into `Settings`; every error names its file and line."""

import datetime
import re
import reprlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import yaml
from pydantic import BaseModel, ValidationError

from beltline.base.errors import WrongInput
from beltline.base.hints import did_you_mean
from beltline.pipeline.settings.aliases import check_aliases
from beltline.pipeline.settings.data import BRANCHES
from beltline.pipeline.settings.settings import Settings

Place = tuple[str | int, ...]

# By aliases of aliases a file of a few lines can hold a value of gigabytes.
_SHOWN = reprlib.Repr()
_SHOWN.maxstring = _SHOWN.maxother = 200


@dataclass(frozen=True)
class Project:
    """The settings, and the folder that their relative paths are resolved against."""

    settings: Settings
    file: Path

    @property
    def folder(self) -> Path:
        """The folder of `pipeline.yaml`."""
        return self.file.parent

    def resolve(self, path: str) -> Path:
        """Returns `path`, resolved against the folder of `pipeline.yaml`.

        Raises:
          WrongInput: it starts with the home folder of an unknown user.
        """
        try:
            return self.folder / Path(path).expanduser()
        except RuntimeError as error:
            raise WrongInput(f"{self.file}: {path}: {error}") from None


def read_project(file: Path, overrides: Sequence[str] = ()) -> Project:
    """Returns the settings in `file`, overridden by each `key.key=value` of `overrides`.

    Raises:
      WrongInput: the file or an override is invalid; the message has a line for each error, with
        its location, the value and what is allowed.
    """
    document = _Document.read(file)
    for override in overrides:
        document.override(override)
    try:
        return Project(Settings.model_validate(document.values), file.absolute())
    except ValidationError as error:
        raise WrongInput("\n".join(document.explain(error))) from None


class _Document:
    """The file's values, and for each key the location that an error names."""

    def __init__(self, file: Path, values: dict[str, Any], places: dict[Place, str]):
        self.file = file
        self.values = values
        self._places = places
        self._overridden: dict[Place, str] = {}

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
            check_aliases(file, node)
            values = yaml.safe_load(text)
        except WrongInput:
            raise
        except Exception as error:
            # PyYAML also lets Python's own errors through: on `2025-13-45`, on `!!bool x`.
            raise WrongInput(_not_yaml(file, text, error)) from None
        if not isinstance(values, dict):
            raise WrongInput(f"{file}:1: must be a mapping of settings, such as `name: casting`")
        return cls(file, values, dict(_places(file, node)))

    def override(self, override: str) -> None:
        key, equals, text = override.partition("=")
        steps = tuple(key.split("."))
        if not equals or not all(steps):
            raise WrongInput(f"--set {override}: must be key=value, such as training.epochs=5")
        try:
            check_aliases(Path("--set"), yaml.compose(text, Loader=yaml.SafeLoader))
            value = yaml.safe_load(text)
        except WrongInput:
            raise
        except Exception:
            value = text
        section: Any = self.values
        for step in steps[:-1]:
            section[step] = {} if section.get(step) is None else section[step]
            section = section[step]
            if not isinstance(section, dict):
                raise WrongInput(f"--set {override}: '{step}' is a value, not a section")
        section[steps[-1]] = value
        for length in range(1, len(steps) + 1):
            self._places.setdefault(steps[:length], f"--set {override}")
        self._places[steps] = self._overridden[steps] = f"--set {override}"

    def explain(self, error: ValidationError) -> list[str]:
        """Returns a line for each error: location, key, reason, and what is allowed."""
        mistakes: dict[Place, list[Any]] = {}
        for mistake in error.errors():
            key = self._key(tuple(mistake["loc"]), mistake["type"])
            if mistake["type"] == "value_error":
                key += getattr(mistake["ctx"]["error"], "key", ())
            # A union reports each of its types.
            mistakes.setdefault(key, []).append(mistake)
        return [self._line(key, found) for key, found in mistakes.items()]

    def _line(self, key: Place, mistakes: list[Any]) -> str:
        name = ".".join(map(str, key))
        where = self._where(key, mistakes[0]["type"])
        why = _why(key, mistakes)
        return f"{where}: {name}: {why}" if name else f"{where}: {why}"

    def _where(self, key: Place, kind: str) -> str:
        place = tuple(map(str, key))
        if kind == "value_error":
            # The values of a section contradict each other: the override is to blame.
            for overridden, where in self._overridden.items():
                if overridden[: len(place)] == place:
                    return where
        parts = (place[:length] for length in range(len(place), 0, -1))
        return next(
            (self._places[part] for part in parts if part in self._places), f"{self.file}:1"
        )

    def _key(self, place: Place, kind: str) -> Place:
        """Returns the part of `place` that the file holds, without pydantic's own steps."""
        key: Place = ()
        model: Any = Settings
        for step in place:
            # An unknown key may be called so, too.
            of_pydantic = step == "[key]" and kind != "extra_forbidden"
            if of_pydantic or not isinstance(model, type | dict | list):
                break
            if step in BRANCHES and key[-1:] == ("split_by",):
                continue
            key = (*key, step)
            model = _inner(model, step)
        return key


def _places(file: Path, node: yaml.Node | None) -> Iterator[tuple[Place, str]]:
    """Yields each key with its line; for an alias, the line of its anchor."""
    seen: set[int] = set()

    def walk(node: yaml.Node | None, key: Place) -> Iterator[tuple[Place, str]]:
        if not isinstance(node, yaml.CollectionNode) or id(node) in seen:
            return
        seen.add(id(node))
        for name, inner, mark in _entries(file, node, key):
            yield (*key, name), f"{file}:{mark.line + 1}"
            yield from walk(inner, (*key, name))

    return walk(node, ())


def _entries(
    file: Path, node: yaml.CollectionNode, key: Place
) -> Iterator[tuple[str, yaml.Node, yaml.Mark]]:
    if isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            yield str(index), item, item.start_mark
        return
    names: set[str] = set()
    for name, value in node.value:
        if name.value in names:
            full = ".".join(map(str, (*key, name.value)))
            raise WrongInput(f"{file}:{name.start_mark.line + 1}: {full}: duplicate key")
        names.add(name.value)
        yield name.value, value, name.start_mark


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


def _why(key: Place, mistakes: list[Any]) -> str:
    """Returns why the value at `key` is invalid, and what is allowed."""
    mistake = mistakes[0]
    kind = mistake["type"]
    if kind in ("extra_forbidden", "invalid_key"):
        return f"unknown key{_nearest(str(key[-1]), _keys_of_section(key[:-1]))}"
    if kind == "missing":
        return "required key is missing"
    if kind == "value_error":
        return str(mistake["ctx"]["error"])
    if kind == "literal_error" and len(mistakes) == 1:
        choices = re.findall(r"'([^']*)'", mistake["ctx"]["expected"])
        value = mistake["input"]
        hint = did_you_mean(str(value), choices)
        return f"invalid value {_SHOWN.repr(value)}: allowed: {', '.join(choices)}{hint}"
    return _misfit(kind, mistake["input"], [each["msg"] for each in mistakes])


def _misfit(kind: str, value: Any, messages: list[str]) -> str:
    got = f"got {_SHOWN.repr(value)}"
    if kind in ("model_type", "dict_type"):
        return f"must be a section (a mapping of keys), {got}"
    if kind == "string_type" and isinstance(value, bool | int | float | datetime.date):
        return f"must be a string, {got}; quote it"
    others = [message.removeprefix("Input should be ") for message in messages[1:]]
    return f"{' or '.join([messages[0], *others])}, {got}"


def _nearest(word: str, allowed: Sequence[str]) -> str:
    hint = did_you_mean(word, allowed)
    return f"{hint} (allowed: {', '.join(allowed)})" if allowed else hint


def _not_yaml(file: Path, text: str, error: Exception) -> str:
    mark = getattr(error, "problem_mark", None)
    where = str(file)
    if mark:
        where = f"{file}:{mark.line + 1}:{mark.column + 1}"
    elif isinstance(error, yaml.reader.ReaderError):
        before = text[: error.position]
        where = f"{file}:{before.count(chr(10)) + 1}:{len(before) - before.rfind(chr(10))}"
    why = getattr(error, "problem", None) or getattr(error, "reason", None) or error
    return (
        f"{where}: invalid YAML: {str(why).splitlines()[0] if str(why) else type(error).__name__}"
    )
