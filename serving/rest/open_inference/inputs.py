"""The inputs of a request as columns, which `table_rows.py` reads as those of :predict.

An input has a name, a shape, a datatype, and its values: in JSON, flat or as lists of lists, or in
binary data behind it. Its first dimension is that of the rows. A column with a value a row is
taken as `[n]` and as `[n, 1]`.
"""

import math
from collections.abc import Mapping
from typing import Any

from beltline.base.hints import did_you_mean
from beltline.serving.rest.json_size import MAX_VALUES
from beltline.serving.rest.json_tensors import MAX_DIMENSIONS, WrongValue, flat
from beltline.serving.rest.open_inference.datatypes import DATATYPES, check_values, from_bytes
from beltline.serving.rest.open_inference.parameters import parameters_of
from beltline.serving.rest.request_body import check_properties, shown
from beltline.serving.rest.responses import HttpError, bad_request
from beltline.serving.rest.table_rows import check_number
from beltline.versions.loaded.signature import Signature

_PROPERTIES = frozenset({"data", "datatype", "name", "parameters", "shape"})
_MAX_NAME = 100


class InputReader:
    """Reads the inputs of one request, in their order."""

    def __init__(self, signature: Signature, binary: memoryview | None, max_rows: int) -> None:
        """Takes what it reads by.

        Args:
          signature: whose inputs they are.
          binary: the binary data behind the JSON; None if there are none.
          max_rows: how many rows a request may have.
        """
        tensors = {
            signature.columns.get(name, name): each for name, each in signature.inputs.items()
        }
        self._shapes = {name: each.shape for name, each in {**signature.inputs, **tensors}.items()}
        self._binary = binary
        self._start = 0
        self._max_rows = max_rows
        self._values = 0

    def columns(self, inputs: Any) -> dict[str, list[Any]]:
        """Returns the values of each input by its name, a list for each dimension.

        Raises:
          HttpError: an input is invalid, or there are binary data that belong to none.
        """
        if type(inputs) is not list or not inputs:
            raise bad_request("'inputs' must be a list of tensors, one for each column")
        found: dict[str, list[Any]] = {}
        for at, each in enumerate(inputs):
            name = _name(each, at)
            if name in found:
                raise bad_request(f"input {_quoted(name)} is given twice")
            found[name] = self._column(name, each)
        left = 0 if self._binary is None else len(self._binary) - self._start
        if left:
            raise bad_request(f"{left} bytes of the binary data belong to no input")
        return found

    def _column(self, name: str, given: Mapping[str, Any]) -> list[Any]:
        check_properties(given, _PROPERTIES)
        datatype = _datatype(name, given.get("datatype"))
        shape = _shape(name, given.get("shape"))
        check_number(shape[0], self._max_rows)
        number = math.prod(shape)
        self._values += number
        if self._values > MAX_VALUES:
            raise bad_request(
                f"the inputs have too many values: at most {MAX_VALUES:,} are allowed; send the "
                "rows in several requests"
            )
        size = parameters_of(given, f"input {_quoted(name)}").get("binary_data_size")
        try:
            if size is None:
                values = _of_json(given, shape)
                check_values(values, datatype)
            else:
                if "data" in given:
                    raise WrongValue("it has both 'data' and binary data")
                values = from_bytes(self._taken(size), datatype, number)
        except WrongValue as error:
            raise _invalid(name, shape, error) from None
        return _nested(values, self._wanted(name, shape))

    def _taken(self, size: Any) -> memoryview:
        """Returns the next bytes of the binary data."""
        if type(size) is not int or size < 0:
            raise WrongValue(f"binary_data_size is {shown(size)}, not a number of bytes")
        if self._binary is None:
            raise WrongValue(
                "it has binary_data_size, and the request no header Inference-Header-Content-Length"
            )
        end = self._start + size
        if end > len(self._binary):
            left = len(self._binary) - self._start
            raise WrongValue(f"binary_data_size is {size}, and {left} bytes are left")
        found = self._binary[self._start : end]
        self._start = end
        return found

    def _wanted(self, name: str, shape: list[int]) -> list[int]:
        """Returns the shape without a last dimension of 1, unless the model has one there."""
        known = self._shapes.get(name, (None,))
        if known is not None and len(known) == 1 and len(shape) == 2 and shape[1] == 1:
            return shape[:1]
        return shape


def _name(given: Any, at: int) -> str:
    if type(given) is not dict:
        raise bad_request(f"item {at} of 'inputs' is not an object but {shown(given)}")
    name = given.get("name")
    if type(name) is not str:
        raise bad_request(f"item {at} of 'inputs' has no name: {shown(given)}")
    return name


def _datatype(name: str, given: Any) -> str:
    if type(given) is str and given in DATATYPES:
        return given
    hint = did_you_mean(given[:_MAX_NAME], DATATYPES) if type(given) is str else ""
    raise bad_request(
        f"input {_quoted(name)}: unknown datatype: {shown(given)}{hint}; allowed: "
        f"{', '.join(DATATYPES)}"
    )


def _shape(name: str, given: Any) -> list[int]:
    if (
        type(given) is not list
        or not 1 <= len(given) <= MAX_DIMENSIONS
        or not all(type(length) is int and length >= 0 for length in given)
    ):
        raise bad_request(
            f"input {_quoted(name)}: shape: {shown(given)} is not a list of 1 to {MAX_DIMENSIONS} "
            "lengths, of which the first is the number of rows"
        )
    return given


def _of_json(given: Mapping[str, Any], shape: list[int]) -> list[Any]:
    """Returns the values of `data`, whose lists may be nested as the shape says, or flat."""
    data = given.get("data")
    if type(data) is not list:
        raise WrongValue("it has no list 'data'")
    values, found = flat(data)
    number = math.prod(shape)
    if found not in ((number,), tuple(shape)):
        raise WrongValue(f"'data' has the shape {list(found)}, which is not that of {shape}")
    return values


def _nested(values: list[Any], shape: list[int]) -> list[Any]:
    """Returns flat values as a list for each dimension; of no values, one empty list."""
    for length in reversed(shape[1:] if values else []):
        values = [values[start : start + length] for start in range(0, len(values), length)]
    return values


def _invalid(name: str, shape: list[int], error: WrongValue) -> HttpError:
    place = f"input {_quoted(name)}"
    if error.index is not None:
        of_a_row = math.prod(shape[1:])
        place += f" row: {error.index // of_a_row}"
    return bad_request(f"{place}: {error}")


def _quoted(name: str) -> str:
    return shown(name[:_MAX_NAME])
