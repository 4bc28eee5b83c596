"""The rows or columns of a request as the inputs of a signature.

A caller may name a column as the data do, or by the input's name, as TensorFlow Serving requires:
they differ only where TensorFlow doesn't take the data's name. An unknown column, or a missing one,
is an error that names it. A column that the table has and the model doesn't read is ignored: rows
may be sent as they are. A row may have one further field, its key, such as a part's number: the
model doesn't see it, but it is sampled with the row, so that late labels can be joined by it.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from beltline.base.values import Kind
from beltline.serving.rest import column_values
from beltline.serving.rest.json_tensors import WrongValue, is_base64, overflow_is_an_error, tensor
from beltline.serving.rest.responses import bad_request
from beltline.serving.rest.row_keys import key_texts, split_column_of_keys, split_row_keys, without
from beltline.serving.rest.wrong_names import WrongNames
from beltline.serving.servables.columns import TableColumns
from beltline.versions.loaded.signature import Signature, Tensor

Array = np.ndarray[Any, Any]
ParsedInputs = tuple[dict[str, Array], list[str] | None]
"""The inputs by name, `[rows, ...]` each, and the key of each row, if there are keys."""


class SentTensor(ABC):
    """A tensor of a request whose values have a type of their own, which JSON's don't."""

    @abstractmethod
    def values(self, kind: Kind) -> list[Any]:
        """Returns the values of a column of that kind, such as JSON would have.

        Raises:
          WrongValue: it has not one value a row.
        """

    @abstractmethod
    def array(self, wanted: Tensor) -> Array:
        """Returns it as an input that is no column of the table.

        Raises:
          WrongValue: it has not the input's type and shape.
        """


@dataclass(frozen=True)
class Fields:
    """What the fields of a row may be, besides a signature's inputs."""

    key: str | None = None
    """The field that is a row's key."""
    table: TableColumns = TableColumns()  # noqa: RUF009  # frozen
    """The columns of the table, with the kinds of those that the model reads."""
    ignore_unknown: bool = False
    """Whether a column that the table doesn't have is ignored, too."""
    count_ignored: Callable[[int, int], None] | None = None
    """Is told how many values were ignored: of the table's columns, and of unknown ones."""


class InputParser:
    """Parses the inputs of one signature."""

    def __init__(self, signature: Signature, fields: Fields) -> None:
        self.inputs = signature.inputs
        self.columns = {signature.columns.get(name, name): name for name in self.inputs}
        """The input of each column, by the data's name."""
        self._fields = fields
        kinds = fields.table.kinds
        self._kinds = {
            name: kinds[column]
            for column, name in self.columns.items()
            if column in kinds and column_values.takes(self.inputs[name], kinds[column])
        }
        self._unread = fields.table.unread - self.columns.keys()
        # An input may have another column's name: the data's names take precedence.
        inputs = {name: name for name in self.inputs if name not in self._unread}
        self._by_name = {**inputs, **self.columns}
        self.key = None if fields.key in self._by_name else fields.key

    @overflow_is_an_error()
    def from_rows(self, rows: Any, of: str = "instances") -> ParsedInputs:
        """Returns the inputs of a list of rows; `of` is the list's name in the request.

        Raises:
          HttpError: it is not a list, is empty, or one of the rows is invalid.
        """
        if type(rows) is not list:
            raise bad_request("Excepting 'instances' to be an list/array")
        if not rows:
            raise bad_request("No values in 'instances' array")
        if not _is_row(rows[0]):
            name = self._single("instances", "list", "list of objects")
            return {name: self._of_row_values(name, _plain(rows), of)}, None
        rows, keys = split_row_keys(rows, self.key)
        taken = self._by_input(rows, of)
        inputs = {name: self._of_row_values(name, values, of) for name, values in taken.items()}
        return inputs, keys

    @overflow_is_an_error()
    def from_columns(self, columns: Any) -> ParsedInputs:
        """Returns the inputs of an object of columns.

        Raises:
          HttpError: a column is invalid, or they are not all of one length.
        """
        if not _is_row(columns):
            name = self._single("inputs", "value/list", "object")
            return {name: self._of_column(name, columns)}, None
        columns, keys = split_column_of_keys(columns, self.key)
        return self._of_columns(columns, keys)

    @overflow_is_an_error()
    def from_tensors(self, tensors: dict[str, SentTensor]) -> ParsedInputs:
        """Returns the inputs of tensors with types of their own, by the names of columns or inputs.

        Raises:
          HttpError: a tensor is invalid, or they are not all of one length.
        """
        keys = None
        if self.key is not None and self.key in tensors:
            keys = key_texts(tensors[self.key].values("text"))
            tensors = without(tensors, self.key)
        try:
            return self._of_columns(tensors, keys)
        except WrongNames as error:
            raise bad_request(error.of_tensors()) from None

    def _of_columns(self, columns: dict[str, Any], keys: list[str] | None) -> ParsedInputs:
        names = self._names(columns)
        inputs = {input_: self._of_column(input_, columns[name]) for name, input_ in names.items()}
        _check_lengths(inputs, keys)
        if len(columns) > len(names):
            self._count_ignored([columns], max(map(np.size, inputs.values())))
        return inputs, keys

    def _by_input(self, rows: list[Any], of: str) -> dict[str, list[Any]]:
        names = self._names_of_row(0, rows[0], of)
        width = len(rows[0])
        ignored = width > len(names)
        try:
            # Usually all rows have the first one's names; looking them up is faster than comparing.
            if all(len(row) == width for row in rows) and (
                not ignored or all(row.keys() == rows[0].keys() for row in rows)
            ):
                if ignored:
                    self._count_ignored([rows[0]], len(rows))
                return {input_: [row[name] for row in rows] for name, input_ in names.items()}
        except (AttributeError, KeyError, TypeError):
            # A row has other names, or is not an object.
            pass
        each = [(row, self._names_of_row(index, row, of)) for index, row in enumerate(rows)]
        self._count_ignored(rows)
        whole = [{input_: row[name] for name, input_ in names.items()} for row, names in each]
        return {input_: [row[input_] for row in whole] for input_ in self.inputs}

    def _count_ignored(self, rows: list[dict[str, Any]], times: int = 1) -> None:
        if self._fields.count_ignored is not None:
            ignored = sum(len(row.keys() - self._by_name.keys()) for row in rows)
            known = sum(len(row.keys() & self._unread) for row in rows)
            self._fields.count_ignored(known * times, (ignored - known) * times)

    def _names_of_row(self, index: int, row: Any, of: str) -> dict[str, str]:
        if not _is_row(row):
            raise bad_request(f"Expecting object but got list at item {index} of input list")
        try:
            return self._names(row)
        except WrongNames as error:
            start = f"Failed to process element: {index}"
            if error.unknown:
                start += f" key: {error.unknown}"
            raise bad_request(
                f"{start} of '{of}' list. {error.of_row(row, self.columns)}"
            ) from None

    def _names(self, given: dict[str, Any]) -> dict[str, str]:
        """Returns the input of each name that has one.

        Raises:
          HttpError: a name is unknown, missing, or given twice.
        """
        names = given.keys()
        if names == self.columns.keys():
            return self.columns
        found: dict[str, str] = {}
        for name in names:
            if name in self._by_name:
                found[name] = self._by_name[name]
            elif name not in self._unread and not self._fields.ignore_unknown:
                raise WrongNames(self.columns, self._unread, unknown=name)
        if len(found) != len(self.inputs) or set(found.values()) != self.inputs.keys():
            if names == self.inputs.keys():
                return {name: name for name in names}
            raise WrongNames(self.columns, given=list(found.values()))
        return found

    def _single(self, key: str, given: str, wanted: str) -> str:
        if len(self.inputs) > 1:
            raise bad_request(
                f"{key} is a plain {given}, but expecting {_article(wanted)} as multiple input "
                "tensors required as per tensorinfo_map"
            )
        return next(iter(self.inputs))

    def _of_row_values(self, name: str, values: list[Any], of: str) -> Array:
        try:
            return self._array(name, values)
        except WrongValue as error:
            place = f"element: {_index(error)} key: {self._column(name)} of '{of}' list."
            message = f"Failed to process {place} Error: INVALID_ARGUMENT: {error}"
            raise bad_request(message) from None

    def _of_column(self, name: str, values: Any) -> Array:
        try:
            return self._array(name, values)
        except WrongValue as error:
            place = f"key: {self._column(name)} row: {_index(error)} of 'inputs' object."
            raise bad_request(
                f"Failed to process {place} Error: INVALID_ARGUMENT: {error}"
            ) from None

    def _array(self, name: str, values: Any) -> Array:
        kind = self._kinds.get(name)
        if isinstance(values, SentTensor):
            if kind is None:
                return values.array(self.inputs[name])
            return column_values.column(values.values(kind), kind, self.inputs[name].dtype)
        if kind is None or type(values) is not list:
            return tensor(values, self.inputs[name])
        return column_values.column(values, kind, self.inputs[name].dtype)

    def _column(self, name: str) -> str:
        return next(column for column, input_ in self.columns.items() if input_ == name)


def _is_row(value: Any) -> bool:
    return type(value) is dict and not is_base64(value)


def _plain(rows: list[Any]) -> list[Any]:
    for index, row in enumerate(rows):
        if _is_row(row):
            raise bad_request(f"Expecting value/list but got object at item {index} of input list")
    return rows


def _check_lengths(inputs: dict[str, Array], keys: list[str] | None) -> None:
    lengths = {name: len(array) for name, array in inputs.items() if array.ndim}
    if keys is not None:
        lengths["the key"] = len(keys)
    if len(set(lengths.values())) > 1:
        short, long = (choose(lengths, key=lengths.__getitem__) for choose in (min, max))
        raise bad_request(
            f"The columns in 'inputs' differ in length: {short} has {lengths[short]} rows, "
            f"{long} has {lengths[long]}"
        )


def _index(error: WrongValue) -> str:
    return "?" if error.index is None else str(error.index)


def _article(noun: str) -> str:
    return f"an {noun}" if noun[0] in "aeiou" else noun
