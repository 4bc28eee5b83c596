"""TensorProtos as the values of a column or the array of an input, and arrays as TensorProtos.

TensorFlow's own conversion repeats the last value up to the tensor's shape, however large that
is, and takes zeros where there is none. Here a tensor has as many values as its shape says.
"""

import math
from typing import Any

import numpy as np
from tensorflow.core.framework import types_pb2
from tensorflow.core.framework.tensor_pb2 import TensorProto
from tensorflow.core.framework.tensor_shape_pb2 import TensorShapeProto

from beltline.base.values import Kind
from beltline.serving.rest.json_tensors import WrongValue, check_shape, type_name
from beltline.serving.rest.predict_inputs import SentTensor
from beltline.versions.loaded.signature import Tensor

Array = np.ndarray[Any, Any]

# Where the values of each type are.
_FIELDS: dict[int, tuple[np.dtype[Any], str]] = {
    types_pb2.DT_FLOAT: (np.dtype(np.float32), "float_val"),
    types_pb2.DT_DOUBLE: (np.dtype(np.float64), "double_val"),
    types_pb2.DT_HALF: (np.dtype(np.float16), "half_val"),
    types_pb2.DT_INT8: (np.dtype(np.int8), "int_val"),
    types_pb2.DT_INT16: (np.dtype(np.int16), "int_val"),
    types_pb2.DT_INT32: (np.dtype(np.int32), "int_val"),
    types_pb2.DT_INT64: (np.dtype(np.int64), "int64_val"),
    types_pb2.DT_UINT8: (np.dtype(np.uint8), "int_val"),
    types_pb2.DT_UINT16: (np.dtype(np.uint16), "int_val"),
    types_pb2.DT_UINT32: (np.dtype(np.uint32), "uint32_val"),
    types_pb2.DT_UINT64: (np.dtype(np.uint64), "uint64_val"),
    types_pb2.DT_BOOL: (np.dtype(np.bool_), "bool_val"),
    types_pb2.DT_STRING: (np.dtype(object), "string_val"),
}
_SENT = {dtype: (number, field) for number, (dtype, field) in _FIELDS.items()}
_MAX_DIMENSIONS = 16


class ProtoTensor(SentTensor):
    """A TensorProto of a request."""

    def __init__(self, proto: TensorProto) -> None:
        self._proto = proto

    @property
    def rows(self) -> int:
        """Its first dimension, as it says; 1 if it has none."""
        dimensions = self._proto.tensor_shape.dim
        return int(dimensions[0].size) if dimensions else 1

    def values(self, kind: Kind) -> list[Any]:
        """Returns the values of a column `[n]` or `[n, 1]`; see `SentTensor`."""
        dtype, _ = _type(self._proto)
        shape = _shape(self._proto)
        if len(shape) not in (1, 2) or shape[1:] not in ((), (1,)):
            raise WrongValue(f"Expecting shape [?] or [?,1] but got: {_text_of_shape(shape)}")
        found = self._flat(shape)
        if dtype.kind == "O":
            return [_text(value) for value in found]
        if kind == "text" and dtype.kind == "f" and dtype.itemsize < 8:
            # In the digits of its own type, as Arrow writes it.
            return [float(str(value)) for value in np.array(found, dtype)]
        return found

    def array(self, wanted: Tensor) -> Array:
        """Returns it as an input of that type and shape; see `SentTensor`."""
        dtype, _ = _type(self._proto)
        if dtype != wanted.dtype:
            expected, given = type_name(wanted.dtype), type_name(dtype)
            raise WrongValue(f"Expected to be {expected} but {given} is provided")
        shape = _shape(self._proto)
        check_shape(shape, wanted.shape)
        if self._proto.tensor_content:
            return self._of_content(dtype, shape).reshape(shape)
        found = np.empty(math.prod(shape), dtype)
        found[:] = self._flat(shape)
        return found.reshape(shape)

    def _flat(self, shape: tuple[int, ...]) -> list[Any]:
        dtype, field = _type(self._proto)
        if self._proto.tensor_content:
            found: list[Any] = self._of_content(dtype, shape).tolist()
            return found
        values = getattr(self._proto, field)
        _check_count(len(values), shape)
        if field == "half_val":
            bits: list[Any] = _fitting(list(values), np.dtype(np.uint16)).view(np.float16).tolist()
            return bits
        if field == "int_val":
            _fitting(list(values), dtype)
        return list(values)

    def _of_content(self, dtype: np.dtype[Any], shape: tuple[int, ...]) -> Array:
        content = self._proto.tensor_content
        if dtype.kind == "O":
            raise WrongValue("texts must be in string_val, not in tensor_content")
        if len(content) % dtype.itemsize:
            raise WrongValue(f"{len(content)} bytes of tensor_content are no {type_name(dtype)}s")
        _check_count(len(content) // dtype.itemsize, shape)
        if dtype.kind == "b":
            # A byte that is neither 0 nor 1 would be no valid boolean.
            return np.not_equal(np.frombuffer(content, np.uint8), 0)
        return np.frombuffer(content, dtype)


def to_proto(array: Array) -> TensorProto:
    """Returns an output as a TensorProto.

    Raises:
      TypeError: TensorFlow's plain types don't have its type.
    """
    if array.dtype not in _SENT:
        raise TypeError(f"an output of type {array.dtype} can't be sent")
    number, field = _SENT[array.dtype]
    dimensions = [TensorShapeProto.Dim(size=size) for size in array.shape]
    proto = TensorProto(dtype=number, tensor_shape=TensorShapeProto(dim=dimensions))
    flat = array.ravel()
    if field == "half_val":
        flat = flat.view(np.uint16)
    getattr(proto, field).extend(flat.tolist())
    return proto


def _type(proto: TensorProto) -> tuple[np.dtype[Any], str]:
    found = _FIELDS.get(proto.dtype)
    if found is None:
        known = types_pb2.DataType.DESCRIPTOR.values_by_number.get(proto.dtype)
        name = known.name if known else f"type {proto.dtype}"
        raise WrongValue(f"{name} can't be an input")
    return found


def _shape(proto: TensorProto) -> tuple[int, ...]:
    shape = tuple(int(each.size) for each in proto.tensor_shape.dim)
    if proto.tensor_shape.unknown_rank or any(size < 0 for size in shape):
        raise WrongValue("its shape is not known")
    if len(shape) > _MAX_DIMENSIONS:
        raise WrongValue(f"it has more than {_MAX_DIMENSIONS} dimensions")
    return shape


def _check_count(given: int, shape: tuple[int, ...]) -> None:
    if given != math.prod(shape):
        raise WrongValue(f"its shape is {_text_of_shape(shape)}, but it has {given} values")


def _fitting(values: list[int], dtype: np.dtype[Any]) -> Array:
    try:
        return np.array(values, dtype)
    except OverflowError:
        raise WrongValue(f"a value is beyond {type_name(dtype)}") from None


def _text(value: bytes) -> str | bytes:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value


def _text_of_shape(shape: tuple[int, ...]) -> str:
    return f"[{','.join(map(str, shape))}]"
