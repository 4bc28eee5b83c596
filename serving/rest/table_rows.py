"""The rows of the table that a request holds, whichever signature it asks.

A signature takes the columns themselves or Examples of them. Either way the rows are parsed by
`predict_inputs.py`, and it is the columns that are sampled.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import numpy as np

from beltline.serving.options import Options
from beltline.serving.rest.column_values import SENT
from beltline.serving.rest.metrics import ServerMetrics
from beltline.serving.rest.predict_inputs import (
    Fields,
    InputParser,
    ParsedInputs,
    SentTensor,
)
from beltline.serving.rest.responses import bad_request
from beltline.serving.servables.columns import table_columns
from beltline.versions.loaded.servable import Servable
from beltline.versions.loaded.signature import DEFAULT_SIGNATURE, Signature, Tensor

if TYPE_CHECKING:
    from tensorflow.core.example.example_pb2 import Example

    from beltline.serving.rest.examples import Row
    from beltline.serving.samples.sampler import Sampler

Array = np.ndarray[Any, Any]

# The inputs that the export gives to its signatures of Examples.
_EXAMPLES = frozenset({"examples", "inputs"})
# What it reads is no column of the model's.
_LABELS = "labels"


@dataclass(frozen=True, slots=True)
class TableRows:
    """The inputs of a signature, and the rows that they are made from.

    `columns` are by the data's names, `[n]` each; None if the inputs are no rows of the table.
    `keys` are those of the rows, if they have any.
    """

    inputs: dict[str, Array]
    columns: dict[str, Array] | None
    keys: list[str] | None

    @property
    def number(self) -> int:
        """How many there are."""
        first = next(iter(self.inputs.values()))
        return len(first) if first.ndim else 1


class _Parsers:
    """The parsers of one version: of each signature's inputs, and of the table's columns."""

    def __init__(self, servable: Servable, fields: Fields) -> None:
        self.kinds = fields.table.kinds
        columns = {name: Tensor("", SENT[kind], (None,)) for name, kind in self.kinds.items()}
        names = {name: name for name in columns}
        self.of_table = InputParser(Signature("", "", columns, {}, names, None), fields)
        self._fields = fields
        default = servable.signatures.get(DEFAULT_SIGNATURE)
        self._columns = {*default.columns.values()} if default else set()
        self._known: dict[str, tuple[InputParser, bool, bool]] = {}

    def of_signature(self, signature: Signature) -> tuple[InputParser, bool, bool]:
        """Returns the parser, and whether the inputs are Examples, or columns of the table."""
        if signature.name not in self._known:
            parser = InputParser(signature, self._fields)
            examples = bool(self.kinds) and _takes_examples(signature)
            columns = {*signature.columns.values()} == self._columns
            self._known[signature.name] = parser, examples, columns
        return self._known[signature.name]


class RowParser:
    """Parses the rows of requests."""

    def __init__(self, options: Options, metrics: ServerMetrics) -> None:
        self._key = options.sampling.key
        self._ignore_unknown = options.limits.unknown_columns == "ignore"
        self._max_bytes = int(options.limits.max_request_mb * 2**20)
        self._metrics = metrics
        self._parsers: WeakKeyDictionary[Servable, _Parsers] = WeakKeyDictionary()

    def from_instances(self, servable: Servable, signature: Signature, rows: Any) -> TableRows:
        """Returns the rows of a list of instances.

        Raises:
          HttpError: one of them is invalid.
        """
        parsers = self._of(servable)
        return _rows(parsers, signature, parsers.of_signature(signature)[0].from_rows(rows))

    def from_columns(self, servable: Servable, signature: Signature, columns: Any) -> TableRows:
        """Returns the rows of an object of columns.

        Raises:
          HttpError: a column is invalid.
        """
        parsers = self._of(servable)
        return _rows(parsers, signature, parsers.of_signature(signature)[0].from_columns(columns))

    def from_examples(
        self, servable: Servable, signature: Signature, document: Mapping[str, Any]
    ) -> TableRows:
        """Returns the rows of the examples in a request, as the one input of `signature`.

        Raises:
          HttpError: one of them is invalid.
        """
        from beltline.serving.rest.examples import json_rows, repeated_bytes  # imports TensorFlow

        self._check_bytes(repeated_bytes(document))
        parsers = self._of(servable)
        [name] = signature.inputs
        if not parsers.kinds:
            from beltline.serving.rest.json_examples import serialized

            return TableRows({name: serialized(document)}, None, None)
        return _rows_of_examples(parsers, name, json_rows(document), "examples")

    def from_tensors(
        self, servable: Servable, signature: Signature, tensors: dict[str, SentTensor]
    ) -> TableRows:
        """Returns the rows of tensors with types of their own.

        Raises:
          HttpError: one of them is invalid.
        """
        parsers = self._of(servable)
        return _rows(parsers, signature, parsers.of_signature(signature)[0].from_tensors(tensors))

    def from_example_protos(
        self,
        servable: Servable,
        signature: Signature,
        examples: Sequence[Example],
        context: Example | None,
    ) -> TableRows:
        """Returns the rows of Examples, as the one input of `signature`.

        Args:
          servable: the version.
          signature: which of its signatures.
          examples: one for each row.
          context: features that each of them has besides its own.

        Raises:
          HttpError: one of them is invalid.
        """
        parsers = self._of(servable)
        [name] = signature.inputs
        if not parsers.kinds:
            common = b"" if context is None else context.SerializeToString()
            self._check_bytes(len(common) * len(examples))
            # One message behind the other is both of them, merged.
            sent = [common + example.SerializeToString() for example in examples]
            return TableRows({name: np.array(sent, object)}, None, None)
        from beltline.serving.rest.examples import example_rows  # imports TensorFlow

        rows = example_rows(examples)
        if context is not None:
            [shared] = example_rows([context])
            self._check_bytes(context.ByteSize() * len(rows))
            rows = [shared | row for row in rows]
        return _rows_of_examples(parsers, name, rows, "examples")

    def _check_bytes(self, size: int) -> None:
        if size > self._max_bytes:
            raise bad_request(
                f"the context of the examples is larger than {self._max_bytes / 2**20:g} MiB, "
                "counted once for each of them"
            )

    def _of(self, servable: Servable) -> _Parsers:
        found = self._parsers.get(servable)
        if found is None:
            table = table_columns(servable.version)
            count = self._metrics.count_ignored
            fields = Fields(self._key, table, self._ignore_unknown, count)
            found = self._parsers[servable] = _Parsers(servable, fields)
        return found


def _rows(parsers: _Parsers, signature: Signature, parsed: ParsedInputs) -> TableRows:
    inputs, keys = parsed
    _, examples, columns = parsers.of_signature(signature)
    if examples:
        from beltline.serving.rest.examples import parsed_rows  # imports TensorFlow

        [(name, given)] = inputs.items()
        return _rows_of_examples(parsers, name, parsed_rows(given), "instances")
    if not columns:
        return TableRows(inputs, None, keys)
    names = signature.columns
    return TableRows(inputs, {names[name]: array for name, array in inputs.items()}, keys)


def _rows_of_examples(parsers: _Parsers, name: str, rows: list[Row], of: str) -> TableRows:
    from beltline.serving.rest.examples import serialized  # imports TensorFlow

    columns, keys = parsers.of_table.from_rows(rows, of)
    return TableRows({name: serialized(columns, parsers.kinds)}, columns, keys)


def _takes_examples(signature: Signature) -> bool:
    if signature.name in (DEFAULT_SIGNATURE, _LABELS) or len(signature.inputs) != 1:
        return False
    [(name, tensor)] = signature.inputs.items()
    return name in _EXAMPLES and tensor.dtype == object and tensor.shape == (None,)


def check_number(rows: int, most: int) -> None:
    """Checks how many rows a request has.

    Raises:
      HttpError: there are more than `most`.
    """
    if rows > most:
        raise bad_request(f"the request has {rows} rows; at most {most} allowed")


def sample(
    sampler: Sampler,
    servable: Servable,
    signature: Signature,
    rows: TableRows,
    outputs: Mapping[str, Array],
) -> None:
    """Samples the rows of a request with the model's answers, by the default signature's names.

    Rows that are none of the table's aren't sampled.
    """
    if rows.columns is not None:
        answers = _answers(servable, signature, outputs, rows.number)
        sampler.take(servable.number, rows.columns, answers, rows.keys)


def _answers(
    servable: Servable, signature: Signature, outputs: Mapping[str, Array], rows: int
) -> dict[str, Array]:
    default = servable.signatures.get(DEFAULT_SIGNATURE)
    task = servable.version.problem.get("task")
    if signature.method.endswith("/regress"):
        outputs = {"prediction": outputs["outputs"]}
    elif signature.method.endswith("/classify"):
        outputs = _of_classes(outputs, task, servable.threshold)
    return {
        name: array
        for name, array in outputs.items()
        if (default is None or name in default.outputs)
        and array.ndim in (1, 2)
        and len(array) == rows
    }


def _of_classes(
    outputs: Mapping[str, Array], task: Any, threshold: float | None
) -> dict[str, Array]:
    """Returns what the default signature would have answered."""
    scores, classes = outputs.get("scores"), outputs.get("classes")
    if scores is None or scores.ndim != 2:
        return {}
    if task != "binary":
        chosen = scores.argmax(axis=1)
        found = {"probabilities": scores, "probability": scores.max(axis=1)}
    else:
        # The positive class is the last one.
        found = {"probability": scores[:, -1]}
        if threshold is None:
            return found
        chosen = (scores[:, -1] >= np.float32(threshold)).astype(int)
    if classes is None:
        return found
    return {**found, "classes": classes, "class": classes[np.arange(len(scores)), chosen]}
