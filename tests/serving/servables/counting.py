"""A version that needs no TensorFlow: it notes what it is asked, and can be held up."""

import threading
from pathlib import Path

import numpy as np

from beltline.versions.folder import Version
from beltline.versions.loaded.errors import ModelFailed, WrongValues
from beltline.versions.loaded.signature import NamedArrays, Signature, Tensor

FLOAT = np.dtype(np.float32)


def signature(shape: tuple[int | None, ...] | None = (None,)) -> Signature:
    column = Tensor("x:0", FLOAT, shape)
    return Signature("double", "predict", {"x": column}, {"y": column}, {"x": "x"}, None)


class Counting:
    """Doubles `x`; below zero is the caller's fault, 1313 is its own, and `hold` holds it up."""

    def __init__(self, number: int = 1) -> None:
        self.number = number
        self.threshold: float | None = None
        self.version = Version(number, Path(), "", "", True, True, {}, None, "", {}, {})
        self.signatures = {"double": signature(), "whole": signature(())}
        self.asked: list[list[float]] = []
        self.free = threading.Event()
        self.free.set()

    def run(self, name: str, inputs: NamedArrays) -> NamedArrays:
        self.asked.append(inputs["x"].tolist())
        assert self.free.wait(10)
        if (inputs["x"] < 0).any():
            raise WrongValues(f"{inputs['x'].min()} is below zero")
        if (inputs["x"] == 1313).any():
            raise ModelFailed("1313")
        return {"y": inputs["x"] * 2}
