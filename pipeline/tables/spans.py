"""Spans: the part of the data that one run takes, such as a day's files.

A path may hold TFX's placeholders, in any of its parts: `{YYYY}`, `{MM}` and `{DD}`, or `{SPAN}`,
a number; and beside them `{VERSION}`, of which the highest counts. `{SPAN:4}` is padded to four
digits. A part with a placeholder may also hold `*` and `?`.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from beltline.base.errors import NoData, WrongInput
from beltline.pipeline.tables.databases import Query
from beltline.pipeline.tables.files import File, check_one_format, data_files, files_there, readable
from beltline.storage.object_path import ObjectPath

Table = File | Query

LATEST = "latest"
DATA = "data"
"""The section of the settings that says what a model is trained on."""
_PLACEHOLDER = re.compile(r"\{(YYYY|MM|DD|SPAN|VERSION)(?::([1-9][0-9]*))?\}")
_DATE = {"YYYY", "MM", "DD"}
_DIGITS = {"YYYY": 4, "MM": 2, "DD": 2}
_EPOCH = date(1970, 1, 1)
_MOST_NAMED = 5


@dataclass(frozen=True)
class Span:
    """A span's files, or the query for it. Where there are no placeholders, it is all of the data.

    `name` is what a run calls it by; `number` is that of `{SPAN}`, or the days since 1970-01-01, as
    TFX has it.
    """

    files: list[File]
    name: str = LATEST
    number: int | None = None
    version: int | None = None
    query: Query | None = None

    @property
    def tables(self) -> list[Table]:
        """What holds the rows: the files, or the query."""
        return [*self.files] if self.query is None else [self.query]


def has_spans(path: File | str) -> bool:
    """Returns whether a path contains placeholders."""
    return _PLACEHOLDER.search(str(path)) is not None


def files_of_span(path: File, span: str = LATEST, section: str = DATA) -> Span:
    """Finds the data files of a span: of `latest`, of a day such as `2026-11-23`, or of a number.

    Args:
      path: a file, a folder or a pattern, perhaps with placeholders.
      span: which one.
      section: the section of the settings that both are in, for messages.

    Raises:
      NoData: there are none of this span; the message says which spans there are.
      WrongInput: `path` and `span` don't go together, there are no data at all, or as `data_files`.
    """
    names = _placeholders(path, section)
    if not names:
        if span != LATEST:
            raise WrongInput(
                f"{section}.span '{span}': {section}.path {path} holds no {{SPAN}}, and no "
                "{YYYY}, {MM} and {DD}: only 'latest' is allowed"
            )
        return Span(data_files(path))
    wanted = _wanted(path, names, span, section)
    spans = _spans(path)
    if wanted is None and not spans:
        raise WrongInput(f"{path}: no data files found there, of any span")
    number = max(spans) if wanted is None else wanted
    if number not in spans:
        raise NoData(f"no data for span {span} in {path}; {_there(spans, names)}")
    version = max(spans[number])
    files = sorted(spans[number][version])
    check_one_format(path, files)
    return Span(files, _name(number, names), number, version if "VERSION" in names else None)


def _placeholders(path: File, section: str) -> set[str]:
    names = {name for name, _ in _PLACEHOLDER.findall(str(path))}
    dates = names & _DATE
    if dates and dates != _DATE:
        missing = ", ".join(f"{{{name}}}" for name in _DIGITS if name not in dates)
        raise WrongInput(f"{section}.path {path}: lacks {missing}, without which it names no day")
    if dates and "SPAN" in names:
        raise WrongInput(f"{section}.path {path}: holds {{SPAN}} and a day; keep one of them")
    if names == {"VERSION"}:
        raise WrongInput(f"{section}.path {path}: {{VERSION}} needs {{SPAN}} or a day beside it")
    return names


def _wanted(path: File, names: set[str], span: str, section: str) -> int | None:
    """Returns the number of the requested span; None for the latest."""
    if span == LATEST:
        return None
    if "SPAN" in names:
        if span.isdecimal():
            return int(span)
        raise WrongInput(
            f"{section}.span '{span}': {section}.path {path} needs a number, or 'latest'"
        )
    try:
        return _days(*span.split("-"))
    except (TypeError, ValueError):
        raise WrongInput(
            f"{section}.span '{span}': {section}.path {path} needs a day such as 2026-11-23, or "
            "'latest'"
        ) from None


def _days(year: str, month: str, day: str) -> int:
    return days(date(int(year), int(month), int(day)))


def days(day: date) -> int:
    """Returns the number of the span that a day is: the days since 1970-01-01."""
    return (day - _EPOCH).days


def _name(number: int, names: set[str]) -> str:
    return str(number if "SPAN" in names else date.fromordinal(number + _EPOCH.toordinal()))


def _there(spans: dict[int, dict[int, list[File]]], names: set[str]) -> str:
    if not spans:
        return "there is none"
    last = [_name(number, names) for number in sorted(spans)[-_MOST_NAMED:]]
    more = len(spans) - len(last)
    return f"there are: {', '.join(last)}" + (f" and {more} before" if more else "")


def _spans(path: File) -> dict[int, dict[int, list[File]]]:
    """Returns the data files by span and version; an empty folder counts for nothing."""
    spans: dict[int, dict[int, list[File]]] = {}
    for place, found in _matches(*_split(path), {}):
        try:
            number = int(found["SPAN"]) if "SPAN" in found else _days(*(found[n] for n in _DIGITS))
        except ValueError:
            # Digits that are no day, such as 2026-00-00.
            continue
        files = files_there(place)
        if files:
            versions = spans.setdefault(number, {})
            versions.setdefault(int(found.get("VERSION", 0)), []).extend(files)
    return spans


def _split(path: File) -> tuple[File, Sequence[str]]:
    """Returns the root that a path starts at, and its parts below that."""
    if isinstance(path, Path):
        return Path(path.anchor), path.relative_to(path.anchor).parts
    return ObjectPath(replace(path.url, key="")), path.url.key.split("/")


def _matches(
    folder: File, parts: Sequence[str], found: dict[str, str]
) -> Iterator[tuple[File, dict[str, str]]]:
    """Yields what `parts` stand for below `folder`, each with the digits of its placeholders."""
    if not parts:
        yield folder, found
        return
    part, *others = parts
    if not _PLACEHOLDER.search(part):
        # The last one may be a pattern, and is looked up with the files.
        yield from _matches(folder / part, others, found)
        return
    pattern = re.compile(_expression(part, found))
    for entry in _entries(folder):
        match = pattern.fullmatch(entry.name)
        if match and (not others or entry.is_dir()):
            yield from _matches(entry, others, {**found, **match.groupdict()})


def _entries(folder: File) -> list[File]:
    if not folder.is_dir():
        return []
    with readable(folder):
        return [entry for entry in folder.iterdir() if not entry.name.startswith(".")]


def _expression(part: str, found: dict[str, str]) -> str:
    """Returns a part's regular expression; a placeholder seen before keeps its value."""
    pieces = []
    seen = dict(found)
    end = 0
    for match in _PLACEHOLDER.finditer(part):
        pieces.append(_plain(part[end : match.start()]))
        end = match.end()
        name, width = match.groups()
        pieces.append(seen.get(name) or f"(?P<{name}>{_digits(name, width)})")
        seen[name] = f"(?P={name})"
    return "".join([*pieces, _plain(part[end:])])


def _digits(name: str, width: str | None) -> str:
    exactly = _DIGITS.get(name) or width
    return f"[0-9]{{{exactly}}}" if exactly else "[0-9]+"


def _plain(text: str) -> str:
    # As few characters as will do, or a star would take a number's first digits.
    return "".join({"*": ".*?", "?": "."}.get(char) or re.escape(char) for char in text)
