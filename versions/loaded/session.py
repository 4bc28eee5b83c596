"""A SavedModel in a TensorFlow session, with one compiled callable for each signature.

Importing this imports TensorFlow, which takes seconds: import it where a version is loaded.

Why a session and not `tf.saved_model.load`: one row takes 0.45 ms this way and 2 ms that way, and
Python takes no part in it. See `_configuration` and `_callable` for what makes the difference.

This is the only module that relies on a private method of TensorFlow: see `_callable`.
`tests/versions/loaded/test_session.py` says what to do when it changes.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow.core.protobuf import config_pb2

from beltline.versions.loaded.errors import ModelFailed, WrongValues
from beltline.versions.loaded.signature import NamedArrays, Signature, Tensor

# Signatures that belong to the loading, such as `__saved_model_init_op`.
_INTERNAL = "__saved_model"
_CALLING_THREAD = -1

# What the model, or NumPy on the way to it, raises for invalid values.
_WRONG_VALUES = (
    tf.errors.InvalidArgumentError,
    tf.errors.OutOfRangeError,
    tf.errors.DataLossError,
    tf.errors.UnimplementedError,
    TypeError,
    ValueError,
)

SignatureCallable = Callable[..., list[np.ndarray]]


class Session:
    """A SavedModel's graph, its variables and tables."""

    def __init__(self, model: Path, columns: Mapping[str, str]) -> None:
        """Loads it.

        Args:
          model: the SavedModel's folder.
          columns: the data's name of each input that has another name.

        Raises:
          Exception: whatever TensorFlow raises on a folder that is no whole SavedModel.
        """
        # It would log at every load that it restores variables, and that this way is deprecated.
        tf.get_logger().setLevel("ERROR")
        self._closed = False
        graph = tf.Graph()
        self._session = tf.compat.v1.Session(graph=graph, config=_configuration())
        with graph.as_default():
            meta = tf.compat.v1.saved_model.load(self._session, ["serve"], str(model))
        self.signatures = {
            name: _signature(name, definition, columns)
            for name, definition in meta.signature_def.items()
            if not name.startswith(_INTERNAL) and _has_plain_tensors(definition)
        }
        self._callables = {name: self._callable(found) for name, found in self.signatures.items()}

    def run(self, name: str, inputs: NamedArrays) -> NamedArrays:
        """Runs a signature; see `Servable.run`."""
        if self._closed:
            raise ModelFailed("the version is closed")
        signature = self.signatures[name]
        try:
            given = [np.asarray(inputs[key], spec.dtype) for key, spec in signature.inputs.items()]
            answers = self._callables[name](*given)
        except _WRONG_VALUES as error:
            raise WrongValues(str(error).partition("\n")[0]) from error
        except tf.errors.OpError as error:
            for key in signature.inputs:
                _check_texts(key, inputs[key])
            raise ModelFailed(f"{type(error).__name__}: {error}") from error
        return dict(zip(signature.outputs, answers, strict=True))

    def close(self) -> None:
        """Frees the memory, once nothing runs in it any more."""
        self._closed = True
        self._callables.clear()
        self._session.close()

    def _callable(self, signature: Signature) -> SignatureCallable:
        options = config_pb2.CallableOptions()
        options.feed.extend(tensor.node for tensor in signature.inputs.values())
        options.fetch.extend(tensor.node for tensor in signature.outputs.values())
        # Not in TensorFlow's thread pool: a single row isn't worth waking a thread for.
        options.run_options.inter_op_thread_pool = _CALLING_THREAD
        # `make_callable`, the public method, looks up the tensors in each call: 0.5 ms.
        found: SignatureCallable = self._session._make_callable_from_options(options)
        return found


def _check_texts(name: str, values: np.ndarray) -> None:
    """Tells invalid texts from a failure: TensorFlow calls both internal errors."""
    for value in values.ravel().tolist() if values.dtype == object else []:
        if not isinstance(value, str | bytes):
            raise WrongValues(f"invalid value {value!r} for '{name}': not a text")
        try:
            if isinstance(value, str):
                value.encode()
        except UnicodeEncodeError as error:
            raise WrongValues(f"invalid value for '{name}': not Unicode: {error}") from error


def _configuration() -> Any:
    """Inlines each signature's functions, and leaves out TensorFlow's long search for the rest.

    Of the small graphs that a table takes, that search makes slower ones, and takes 0.4 s for each
    signature: a row took 0.8 ms after it, and 0.45 ms without. Its threads make no difference.
    """
    config = config_pb2.ConfigProto()
    config.graph_options.rewrite_options.disable_meta_optimizer = True
    config.graph_options.optimizer_options.do_function_inlining = True
    config.graph_options.optimizer_options.do_constant_folding = True
    return config


def _has_plain_tensors(definition: Any) -> bool:
    tensors = [*definition.inputs.values(), *definition.outputs.values()]
    return bool(definition.outputs) and all(tensor.name for tensor in tensors)


def _signature(name: str, definition: Any, columns: Mapping[str, str]) -> Signature:
    inputs = {key: _tensor(definition.inputs[key]) for key in sorted(definition.inputs)}
    return Signature(
        name=name,
        method=definition.method_name,
        inputs=inputs,
        outputs={key: _tensor(definition.outputs[key]) for key in sorted(definition.outputs)},
        columns={key: columns.get(key, key) for key in inputs},
        definition=definition,
    )


def _tensor(info: Any) -> Tensor:
    lengths = [None if dim.size < 0 else int(dim.size) for dim in info.tensor_shape.dim]
    dtype = np.dtype(tf.as_dtype(info.dtype).as_numpy_dtype)
    return Tensor(info.name, dtype, None if info.tensor_shape.unknown_rank else tuple(lengths))
