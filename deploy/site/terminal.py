"""Renders an asciicast as an animated SVG: text that can be read, without a script.

A terminal of pyte's takes the recording; each of its screens is a picture of a film that CSS moves
on step by step. A line that is shown in several of them is there once. Who has asked for less
motion sees the last one.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from html import escape
from itertools import groupby

import pyte
from pyte.screens import Char

_CELL, _LINE, _MARGIN = 8.4, 19, 14
_SMALLEST = 0.1  # seconds between two pictures
_STAY = 6.0  # seconds of the last one
_INK, _PAPER = "#d5d9e0", "#1d2027"
_COLORS = {
    "black": "#5c6370",
    "red": "#f07178",
    "green": "#8fcf6f",
    "brown": "#e5c07b",
    "blue": "#74b2f5",
    "magenta": "#cf8ee8",
    "cyan": "#5fc9d4",
    "white": "#d5d9e0",
}


@dataclass
class Film:
    """The screens of a recording.

    Attributes:
      columns: of the terminal.
      rows: of the terminal.
      frames: what is shown from which second on, as the numbers of lines.
      lines: each line that is shown, once, as SVG; the first is empty.
    """

    columns: int
    rows: int
    frames: list[tuple[float, tuple[int, ...]]] = field(default_factory=list)
    lines: dict[str, int] = field(default_factory=lambda: {"": 0})


def rendered(cast: str, title: str, text: str) -> str:
    """Returns the SVG.

    Args:
      cast: a recording in asciinema's format, version 2.
      title: what it shows.
      text: the same in words.
    """
    film = _film(cast)
    height, width = film.rows * _LINE, film.columns * _CELL
    lines = "".join(f'<text id="l{n}">{line}</text>' for line, n in film.lines.items() if n)
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" xml:space="preserve" role="img" '
        f'aria-labelledby="t d" viewBox="0 0 {width + 2 * _MARGIN:g} {height + 2 * _MARGIN}">'
        f'<title id="t">{escape(title)}</title><desc id="d">{escape(text)}</desc>'
        f"<style>{_style(film, height)}</style>"
        f'<rect width="100%" height="100%" rx="8" fill="{_PAPER}"/><defs>{lines}</defs>'
        f'<svg x="{_MARGIN}" y="{_MARGIN}" width="{width + _MARGIN:g}" height="{height}"><g id="f">'
        + "".join(_drawn(rows, n * height) for n, (_, rows) in enumerate(film.frames))
        + "</g></svg></svg>\n"
    )


def _style(film: Film, height: int) -> str:
    """Returns the CSS: colours, and the film's steps of this height."""
    end = film.frames[-1][0] + _STAY
    steps = "".join(
        f"{at / end if n else 0:.3%}{{transform:translateY({-n * height}px)}}"
        for n, (at, _) in enumerate(film.frames)
    )
    return (
        "text{font:14px ui-monospace,Menlo,Consolas,'DejaVu Sans Mono',monospace;"
        f"fill:{_INK};white-space:pre}}.b{{font-weight:bold}}"
        + "".join(f".{name}{{fill:{color}}}" for name, color in _COLORS.items())
        + f"#f{{transform:translateY({-(len(film.frames) - 1) * height}px)}}"
        "@media (prefers-reduced-motion:no-preference)"
        f"{{#f{{animation:f {end:.1f}s step-end infinite}}}}"
        f"@keyframes f{{{steps}}}"
    )


def _film(cast: str) -> Film:
    head, *events = [json.loads(line) for line in cast.splitlines()]
    film = Film(head["width"], head["height"])
    screen = pyte.Screen(film.columns, film.rows)
    stream = pyte.Stream(screen)
    for number, (at, _, printed) in enumerate(events):
        stream.feed(printed)
        following = events[number + 1][0] if number + 1 < len(events) else at + _STAY
        if following - at >= _SMALLEST or _due(film, at):
            _take(film, screen, at)
    return film


def _due(film: Film, at: float) -> bool:
    """Whether the last picture is old, though the terminal never rests."""
    return not film.frames or at - film.frames[-1][0] >= 2 * _SMALLEST


def _take(film: Film, screen: pyte.Screen, at: float) -> None:
    rows = tuple(
        film.lines.setdefault(line, len(film.lines))
        for line in (_line(screen, row) for row in range(film.rows))
    )
    if not film.frames or film.frames[-1][1] != rows:
        film.frames.append((at, rows))


def _line(screen: pyte.Screen, row: int) -> str:
    """Returns the parts of a line, one for each style, as SVG; nothing for an empty line."""
    cells = [screen.buffer[row][column] for column in range(screen.columns)]
    parts = []
    for style, group in groupby(enumerate(cells), lambda each: (each[1].fg, each[1].bold)):
        found = list(group)
        parts += [_part(found, *style)] if "".join(c.data for _, c in found).strip() else []
    return "".join(parts)


def _part(cells: Sequence[tuple[int, Char]], color: str, bold: bool) -> str:
    text = "".join(cell.data for _, cell in cells)
    blanks = len(text) - len(text.lstrip())
    name = color.removeprefix("bright")
    classes = [*([name] if name in _COLORS else []), *(["b"] if bold else [])]
    style = f' class="{" ".join(classes)}"' if classes else ""
    return f'<tspan x="{(cells[0][0] + blanks) * _CELL:g}"{style}>{escape(text.strip())}</tspan>'


def _drawn(rows: Sequence[int], top: int) -> str:
    shown: Iterator[str] = (
        f'<use href="#l{line}" y="{(row + 1) * _LINE - 5}"/>'
        for row, line in enumerate(rows)
        if line
    )
    return f'<g transform="translate(0 {top})">{"".join(shown)}</g>'
