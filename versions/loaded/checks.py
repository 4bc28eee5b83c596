"""The checks that a version must pass before it becomes live.

Its files are those that were pushed; it answers the recorded rows as it did in the serving check;
and it has run once at each batch size, so that no caller waits for what TensorFlow does only the
first time. A version without a card or recorded rows is loaded unchecked: Beltline didn't push it.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from beltline.versions.folder import (
    CHECK_ROWS,
    INPUT_NAMES,
    THRESHOLD,
    Version,
    model_digest,
)
from beltline.versions.loaded.errors import BrokenVersion
from beltline.versions.loaded.signature import (
    DEFAULT_SIGNATURE,
    NamedArrays,
    Signature,
    Tensor,
)

Run = Callable[[str, NamedArrays], NamedArrays]
# Another machine adds in another order; a digit of a float32 is about 1e-7.
_RELATIVE, _ABSOLUTE = 1e-4, 1e-6


def check_digest(version: Version) -> None:
    """Compares the files with the digest that the push wrote down.

    Raises:
      BrokenVersion: they differ.
      OSError: a file can't be read.
    """
    if version.digest and model_digest(version.path) != version.digest:
        why = "its files are not those that were pushed (the digest in its version.json differs)"
        raise BrokenVersion(version.number, why)


def column_names(version: Version) -> dict[str, str]:
    """Returns the data's name of each input that has one of its own.

    Raises:
      BrokenVersion: the file with these names is invalid.
    """
    found = _json(version, INPUT_NAMES.name)
    if found is None:
        return {}
    if not isinstance(found, dict) or not all(isinstance(name, str) for name in found.values()):
        raise BrokenVersion(version.number, f"{INPUT_NAMES.name} is not a mapping of names")
    return {name: column for column, name in found.items()}


def threshold(version: Version) -> float | None:
    """Returns from which probability on a binary model says yes; None where that isn't known.

    Raises:
      BrokenVersion: the file with it is invalid.
    """
    found = _json(version, THRESHOLD.name)
    if found is None:
        return None
    if not isinstance(found, float):
        raise BrokenVersion(version.number, f"{THRESHOLD.name} is not a number")
    return found


def recorded(version: Version) -> dict[str, dict[str, list[Any]]] | None:
    """Returns the recorded rows and answers, `{"rows": …, "answers": …}`; None if there are none.

    Raises:
      BrokenVersion: the file with them is invalid.
    """
    found = _json(version, CHECK_ROWS.name)
    if found is None:
        return None
    if not _is_recording(found):
        why = f"{CHECK_ROWS.name} doesn't hold rows and their answers"
        raise BrokenVersion(version.number, why)
    return {"rows": found["rows"], "answers": found["answers"]}


def check_answers(
    version: Version,
    signatures: Mapping[str, Signature],
    run: Run,
    recording: Mapping[str, Mapping[str, list[Any]]] | None,
) -> None:
    """Compares the answers to the recorded rows with the recorded answers.

    Raises:
      BrokenVersion: an answer isn't the recorded one.
    """
    if recording is None:
        return
    if DEFAULT_SIGNATURE not in signatures:
        raise BrokenVersion(version.number, f"it has no signature '{DEFAULT_SIGNATURE}'")
    for name in signatures[DEFAULT_SIGNATURE].inputs:
        if name not in recording["rows"]:
            raise BrokenVersion(version.number, f"{CHECK_ROWS.name} lacks the input '{name}'")
    inputs = _inputs(signatures[DEFAULT_SIGNATURE], recording["rows"])
    answers = run(DEFAULT_SIGNATURE, inputs)
    for name, expected in recording["answers"].items():
        if name not in answers:
            raise BrokenVersion(version.number, f"it has no output '{name}'")
        if not _agree(answers[name], expected):
            why = f"output '{name}' differs from {CHECK_ROWS.name}"
            raise BrokenVersion(version.number, why)


def warm_up(
    signatures: Mapping[str, Signature],
    run: Run,
    recording: Mapping[str, Mapping[str, list[Any]]] | None,
    batch_rows: int,
) -> None:
    """Runs each signature at several batch sizes; the answers don't matter."""
    for name, signature in signatures.items():
        row = _blank(signature)
        if recording is not None and name == DEFAULT_SIGNATURE:
            row = {key: every[:1] for key, every in _inputs(signature, recording["rows"]).items()}
        for rows in (1, 1, batch_rows) if signature.by_row else (1,):
            try:
                run(name, {key: np.repeat(value, rows, axis=0) for key, value in row.items()})
            except Exception:  # a blank row may be invalid
                break


def _json(version: Version, name: str) -> Any:
    """Returns the content of a file of `assets.extra`; None if there is no such file."""
    try:
        return json.loads((version.path / "assets.extra" / name).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise BrokenVersion(version.number, f"{name} is not JSON: {error}") from error


def _is_recording(found: Any) -> bool:
    parts = [found.get("rows"), found.get("answers")] if isinstance(found, dict) else [None]
    if not all(isinstance(part, dict) and part for part in parts):
        return False
    every = [values for part in parts if part for values in part.values()]
    return all(isinstance(values, list) and len(values) == len(every[0]) > 0 for values in every)


def _inputs(signature: Signature, rows: Mapping[str, list[Any]]) -> NamedArrays:
    return {name: _array(spec, rows[name]) for name, spec in signature.inputs.items()}


def _array(spec: Tensor, values: list[Any]) -> np.ndarray:
    if spec.dtype == object:
        return np.array(values, object)
    return np.array([np.nan if value is None else value for value in values], spec.dtype)


def _blank(signature: Signature) -> NamedArrays:
    """Returns a row of zeros and empty texts; unknown dimensions are 1."""
    shapes = {name: spec.shape or () for name, spec in signature.inputs.items()}
    return {
        name: np.full([length or 1 for length in shapes[name]], _empty(spec), spec.dtype)
        for name, spec in signature.inputs.items()
    }


def _empty(spec: Tensor) -> Any:
    return b"" if spec.dtype == object else 0


def _agree(answers: np.ndarray, expected: list[Any]) -> bool:
    if answers.dtype == object:
        texts = [text.decode(errors="replace") for text in answers.ravel().tolist()]
        return texts == np.array(expected, object).ravel().tolist()
    wanted = np.array(expected)
    if wanted.shape != answers.shape or wanted.dtype.kind not in "biuf":
        return False
    if answers.dtype.kind != "f":
        return bool((answers == wanted).all())
    return bool(np.allclose(answers, wanted, rtol=_RELATIVE, atol=_ABSOLUTE))
