"""Ways in which a version can be broken: what is done to version 2, and what is said of it then."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from beltline.base import digest
from beltline.versions.folder import CARD, CHECK_ROWS, EXTRA, INPUT_NAMES

Change = Callable[[Path], Any]


def sign(version):
    """Writes the digest of the files as they are now into the version's card."""
    files = {path.relative_to(version).as_posix(): path for path in version.rglob("*")}
    model = {name: path for name, path in files.items() if not name.startswith(f"{EXTRA}/")}
    parts = {name: path.read_bytes() for name, path in model.items() if path.is_file()}
    card = json.loads((version / CARD).read_text())
    (version / CARD).write_text(json.dumps({**card, "digest": digest.of_parts(parts)}))


def without(*parts):
    def remove(version):
        (version / "/".join(parts)).unlink()

    return remove


def text(relative, written):
    return lambda version: (version / relative).write_text(written, encoding="utf-8")


def signed(change):
    """With the digest of what is there: the files themselves must give it away."""

    def change_and_sign(version):
        change(version)
        sign(version)

    return change_and_sign


def cut(relative):
    def halve(version):
        content = (version / relative).read_bytes()
        (version / relative).write_bytes(content[: len(content) // 2])

    return halve


def recorded(**changes):
    def change(version):
        found = json.loads((version / CHECK_ROWS).read_text())
        (version / CHECK_ROWS).write_text(json.dumps({**found, **changes}))

    return change


VALUES = "variables/variables.data-00000-of-00001"
ROWS = {"heat": [1.0], "mold": ["A"]}
BROKEN: dict[str, tuple[Change, str]] = {
    "no graph at all": (signed(text("saved_model.pb", "")), "."),
    "garbage for a graph": (signed(text("saved_model.pb", "nonsense")), "."),
    "half a graph": (signed(cut("saved_model.pb")), "."),
    "no variables": (signed(without(VALUES)), "variables"),
    "half the variables": (signed(cut(VALUES)), "."),
    "no index of variables": (signed(without("variables/variables.index")), "."),
    "no vocabulary": (signed(without("assets/molds")), "molds"),
    "another file than was pushed": (text("assets/molds", "C\n"), "not those that were pushed"),
    "a file too many": (text("assets/more", ""), "not those that were pushed"),
    "other answers": (
        recorded(rows=ROWS, answers={"probability": [20.1]}),
        "output 'probability' differs",
    ),
    "other texts": (recorded(rows=ROWS, answers={"class": ["unknown"]}), "output 'class' differs"),
    "an answer too few": (recorded(rows=ROWS, answers={"score": [1.0]}), "has no output 'score'"),
    "rows that it refuses": (
        recorded(rows={**ROWS, "heat": [-1.0]}, answers={"probability": [1.0]}),
        "heat is below zero",
    ),
    "rows without a column": (
        recorded(rows={"heat": [1.0]}, answers={"probability": [20.0]}),
        "lacks the input 'mold'",
    ),
    "answers of another length": (recorded(answers={"class": ["known"]}), "doesn't hold rows"),
    "rows that are a list": (text(CHECK_ROWS, "[1]"), "doesn't hold rows"),
    "rows that are no JSON": (text(CHECK_ROWS, '{"rows": '), "is not JSON"),
    "rows too deep to read": (text(CHECK_ROWS, "[" * 100_000), "RecursionError"),
    "names that are a list": (text(INPUT_NAMES, "[]"), "is not a mapping"),
}
