"""Several questions asked as one, and its answer taken apart again.

If the model refuses, the questions are asked in halves until the one that it refuses is alone:
what is wrong with one never fails another.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from beltline.serving.servables.errors import ModelFailed, WrongValues
from beltline.serving.servables.loaded import Loaded
from beltline.serving.servables.signature import Columns

Answer = Columns | Exception


@dataclass(eq=False, slots=True)
class Piece:
    """Rows that are asked at once: a whole request, or a part of a large one."""

    loaded: Loaded
    signature: str
    inputs: Columns
    rows: int
    answer: asyncio.Future[Columns]


def answers(pieces: Sequence[Piece]) -> list[Answer]:
    """Returns the answer to each piece, or why it has none, in the pieces' order."""
    groups: dict[Any, list[int]] = {}
    for place, piece in enumerate(pieces):
        groups.setdefault(_group(piece, place), []).append(place)
    found: dict[int, Answer] = {}
    for places in groups.values():
        alike = [pieces[place] for place in places]
        found.update(zip(places, _answers_alike(alike), strict=True))
    return [found[place] for place in range(len(pieces))]


def joined(parts: Sequence[Columns]) -> Columns:
    """Returns the rows of all parts, one after the other, by the parts' names."""
    if len(parts) == 1:
        return parts[0]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _group(piece: Piece, place: int) -> Any:
    """Returns what the pieces that can be asked together have in common."""
    if not piece.loaded.signatures[piece.signature].by_row:
        return place
    return id(piece.loaded), piece.signature, *(each.shape[1:] for each in piece.inputs.values())


def _answers_alike(pieces: Sequence[Piece]) -> Sequence[Answer]:
    try:
        return _asked_together(pieces)
    except Exception as error:  # whatever it is, it must reach the one who asked
        if len(pieces) == 1:
            return [_reason(error)]
    half = len(pieces) // 2
    return [*_answers_alike(pieces[:half]), *_answers_alike(pieces[half:])]


def _asked_together(pieces: Sequence[Piece]) -> list[Columns]:
    first = pieces[0]
    outputs = first.loaded.run(first.signature, joined([piece.inputs for piece in pieces]))
    if len(pieces) == 1:
        return [outputs]
    rows = sum(piece.rows for piece in pieces)
    if any(values.shape[:1] != (rows,) for values in outputs.values()):
        raise ModelFailed("the model does not answer row by row")
    return _taken_apart(outputs, pieces)


def _taken_apart(outputs: Columns, pieces: Sequence[Piece]) -> list[Columns]:
    parts = []
    start = 0
    for piece in pieces:
        end = start + piece.rows
        parts.append({name: values[start:end] for name, values in outputs.items()})
        start = end
    return parts


def _reason(error: Exception) -> Exception:
    """Returns the error without its traceback, which would keep the version in memory."""
    if isinstance(error, WrongValues | ModelFailed):
        return type(error)(*error.args)
    return ModelFailed(f"{type(error).__name__}: {error}")
