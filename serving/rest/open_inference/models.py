"""What the Open Inference Protocol says of a model: its inputs and outputs, and if it is ready."""

from collections.abc import Mapping
from typing import Any

import orjson

from beltline.serving.rest.model_info import ModelInfo
from beltline.serving.rest.open_inference.datatypes import name_of
from beltline.serving.rest.responses import unavailable
from beltline.serving.rest.routing import Route, find_signature
from beltline.serving.servables.served import ServedVersions
from beltline.versions.loaded.signature import Tensor

_PLATFORM = "tensorflow_savedmodel"


class Models:
    """Describes the one model that a server has."""

    def __init__(self, name: str, served: ServedVersions) -> None:
        self._name = name
        self._served = served
        self._info = ModelInfo(name, served)

    def metadata(self, route: Route) -> bytes:
        """Returns the inputs, by the data's names, and the outputs of the default signature.

        Raises:
          HttpError: the version is not in memory, or has no such signature.
        """
        servable = self._info.servable(route)
        signature = find_signature(servable, "predict", {})
        inputs = {
            signature.columns.get(name, name): each for name, each in signature.inputs.items()
        }
        loaded = [each for each in (self._served.live, self._served.previous) if each is not None]
        found = {
            "name": route.name,
            "versions": sorted({str(each.number) for each in loaded}),
            "platform": _PLATFORM,
            "inputs": _tensors(inputs),
            "outputs": _tensors(signature.outputs),
        }
        return orjson.dumps(found)

    def ready(self, route: Route) -> bytes:
        """Returns that a version is ready.

        Raises:
          HttpError: it is not in memory, or no version is live yet.
        """
        if route.name == self._name and route.version is None and self._served.live is None:
            raise unavailable(f"model {self._name}: no version is ready; /readyz says why")
        self._info.servable(route)
        return orjson.dumps({"name": route.name, "ready": True})


def _tensors(tensors: Mapping[str, Tensor]) -> list[dict[str, Any]]:
    return [
        {"name": name, "datatype": name_of(each.dtype), "shape": _shape(each)}
        for name, each in tensors.items()
    ]


def _shape(tensor: Tensor) -> list[int]:
    """Returns the lengths, -1 for one that may be any; of a shape that may be any, the rows'."""
    lengths = (None,) if tensor.shape is None else tensor.shape
    return [-1 if length is None else length for length in lengths]
