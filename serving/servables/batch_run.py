"""Runs several requests as one batch, and splits its outputs again.

If the model fails, the requests are run in halves until the one that fails is alone: an invalid
request never fails another.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from beltline.serving.current_request import Phase
from beltline.versions.loaded.errors import ModelFailed, WrongValues
from beltline.versions.loaded.servable import Servable
from beltline.versions.loaded.signature import NamedArrays

Outcome = NamedArrays | Exception


@dataclass(eq=False, slots=True)
class BatchItem:
    """Rows that are run at once: a whole request, or a part of a large one."""

    servable: Servable
    signature: str
    inputs: NamedArrays
    rows: int
    outputs: asyncio.Future[NamedArrays]
    phases: list[Phase] | None = None
    """Where to record what took how long; None if nobody traces the request."""
    queued: int = 0
    """Since when it waits, in nanoseconds since the epoch; known if it is traced."""


def run_items(items: Sequence[BatchItem]) -> list[Outcome]:
    """Returns the outputs of each item, or its error, in the items' order."""
    groups: dict[Any, list[int]] = {}
    for place, item in enumerate(items):
        groups.setdefault(_group(item, place), []).append(place)
    found: dict[int, Outcome] = {}
    for places in groups.values():
        group = [items[place] for place in places]
        found.update(zip(places, _run_group(group), strict=True))
    return [found[place] for place in range(len(items))]


def concatenated(parts: Sequence[NamedArrays]) -> NamedArrays:
    """Returns the rows of all parts, one after the other, by the parts' names."""
    if len(parts) == 1:
        return parts[0]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _group(item: BatchItem, place: int) -> Any:
    """Returns what the items of one batch have in common."""
    if not item.servable.signatures[item.signature].by_row:
        return place
    return id(item.servable), item.signature, *(each.shape[1:] for each in item.inputs.values())


def _run_group(items: Sequence[BatchItem]) -> Sequence[Outcome]:
    try:
        return _run_batch(items)
    except Exception as error:  # whatever it is, it must reach the caller
        if len(items) == 1:
            return [_reason(error)]
    half = len(items) // 2
    return [*_run_group(items[:half]), *_run_group(items[half:])]


def _run_batch(items: Sequence[BatchItem]) -> list[NamedArrays]:
    first = items[0]
    outputs = first.servable.run(first.signature, concatenated([item.inputs for item in items]))
    if len(items) == 1:
        return [outputs]
    rows = sum(item.rows for item in items)
    if any(values.shape[:1] != (rows,) for values in outputs.values()):
        raise ModelFailed("the model does not answer row by row")
    return _split(outputs, items)


def _split(outputs: NamedArrays, items: Sequence[BatchItem]) -> list[NamedArrays]:
    parts = []
    start = 0
    for item in items:
        end = start + item.rows
        parts.append({name: values[start:end] for name, values in outputs.items()})
        start = end
    return parts


def _reason(error: Exception) -> Exception:
    """Returns the error without its traceback, which would keep the version in memory."""
    if isinstance(error, WrongValues | ModelFailed):
        return type(error)(*error.args)
    return ModelFailed(f"{type(error).__name__}: {error}")
