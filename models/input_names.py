"""Names of the raw columns as a SavedModel can have them.

TensorFlow takes letters, digits and `_` as names of inputs, and two that differ only in case as the
same. A column that is already named so keeps its name; every other one gets the nearest free name.
The exported model's `assets.extra/input_names.json` says which is which.
"""

import re
from collections.abc import Iterable

VALID = re.compile(r"[A-Za-z][A-Za-z0-9_]*")


def input_names(columns: Iterable[str]) -> dict[str, str]:
    """Returns the name of each column's input, by the column's own name; in the order given."""
    ordered = list(columns)
    names: dict[str, str] = {}
    taken = {"self"}
    for column in sorted(ordered, key=lambda name: VALID.fullmatch(name) is None):
        names[column] = _free(re.sub(r"[^A-Za-z0-9_]+", "_", column), taken)
        taken.add(names[column].lower())
    return {column: names[column] for column in ordered}


def _free(wanted: str, taken: set[str]) -> str:
    start = wanted if VALID.fullmatch(wanted) else f"column_{wanted.strip('_')}"
    name, number = start, 2
    while name.lower() in taken:
        name, number = f"{start}_{number}", number + 1
    return name
