"""Answers :predict: rows or columns in, the signature's outputs out.

A small request is read where it comes in, which takes some microseconds. A large one is read in a
thread, one at a time, so that others are answered meanwhile and memory stays bounded.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import numpy as np

from beltline.serving.options import Options
from beltline.serving.rest import json_answers
from beltline.serving.rest.errors import wrong
from beltline.serving.rest.fields import Fields
from beltline.serving.rest.json_document import document
from beltline.serving.rest.methods import DEFAULT, signature
from beltline.serving.rest.metrics import Metrics
from beltline.serving.servables.loaded import Loaded
from beltline.serving.servables.served import Served
from beltline.serving.servables.signature import Signature

if TYPE_CHECKING:
    from beltline.serving.samples.sampler import Sampler

Array = np.ndarray[Any, Any]

# Bytes; a body of this size is read in about a millisecond.
_LARGE = 2**16


@dataclass(frozen=True, slots=True)
class _Question:
    signature: Signature
    inputs: dict[str, Array]
    keys: list[str] | None
    by_rows: bool

    @property
    def rows(self) -> int:
        first = next(iter(self.inputs.values()))
        return len(first) if first.ndim else 1


class Predict:
    """Answers :predict, and has its questions sampled."""

    def __init__(self, options: Options, served: Served, metrics: Metrics) -> None:
        self._options = options
        self._served = served
        self.sampler: Sampler | None = None
        self._metrics = metrics
        self._fields: WeakKeyDictionary[Loaded, dict[str, Fields]] = WeakKeyDictionary()
        self._readers = ThreadPoolExecutor(1, "read-request")

    async def answer(self, loaded: Loaded, body: bytes) -> bytes:
        """Returns the JSON that answers a request.

        Raises:
          Refused: the request is wrong.
          WrongValues, Overloaded, TimedOut, ModelFailed: see `Served.ask`.
        """
        if len(body) < _LARGE:
            question = self._read(loaded, body)
        else:
            loop = asyncio.get_running_loop()
            question = await loop.run_in_executor(self._readers, self._read, loaded, body)
        name = question.signature.name
        outputs = await self._served.ask(loaded, name, question.inputs, question.rows)
        self._metrics.answered_rows(question.rows)
        if self.sampler is not None and name == DEFAULT:
            self._sample(self.sampler, loaded, question, outputs)
        if question.by_rows:
            return json_answers.rows(outputs, loaded.number)
        return json_answers.columns(outputs, loaded.number)

    def close(self) -> None:
        """Ends the thread that reads large requests."""
        self._readers.shutdown(wait=False, cancel_futures=True)

    def _read(self, loaded: Loaded, body: bytes) -> _Question:
        found = document(body)
        asked = signature(loaded, "predict", found)
        if "instances" in found and "inputs" in found:
            raise wrong(
                "Not formatted correctly expecting only one of 'inputs' or 'instances' keys"
            )
        if "instances" in found:
            self._check_rows(found["instances"])
            inputs, keys = self._fields_of(loaded, asked).of_rows(found["instances"])
        elif "inputs" in found:
            inputs, keys = self._fields_of(loaded, asked).of_columns(found["inputs"])
        else:
            raise wrong("Missing 'inputs' or 'instances' key")
        question = _Question(asked, inputs, keys, "instances" in found)
        self._check_rows(range(question.rows))
        return question

    def _fields_of(self, loaded: Loaded, asked: Signature) -> Fields:
        known = self._fields.setdefault(loaded, {})
        if asked.name not in known:
            known[asked.name] = Fields(asked, self._options.key)
        return known[asked.name]

    def _check_rows(self, rows: Any) -> None:
        most = self._options.max_rows
        if isinstance(rows, list | range) and len(rows) > most:
            raise wrong(f"The request has {len(rows)} rows; at most {most} are answered at once")

    def _sample(
        self, sampler: Sampler, loaded: Loaded, question: _Question, outputs: Mapping[str, Array]
    ) -> None:
        names = question.signature.columns
        columns = {names.get(name, name): array for name, array in question.inputs.items()}
        answers = {
            name: array
            for name, array in outputs.items()
            if array.ndim in (1, 2) and len(array) == question.rows
        }
        sampler.take(loaded.number, columns, answers, question.keys)
