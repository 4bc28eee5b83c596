"""The tables of the quality benchmark, as CSV; each comes from a package or from a seed.

To add one, write a function that returns its rows and label, and list it in its module's `SETS`.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from benchmarks.quality.sets import generated, installed, packaged
from benchmarks.quality.sets.table import Table

SPLIT_BY = "row_id"
"""A text that differs in every row and every split: `init` leaves it out of the features."""
SETS: dict[str, Callable[[], Table]] = {
    **installed.SETS,
    **packaged.SETS,
    **generated.SETS,
}
PACKAGES = {name: (package,) for package, sets in packaged.FROM.items() for name in sets}
"""The packages of `requirements/bench-quality.txt` that a set comes from."""
LONG = ("diamonds", "categories")
"""Sets that take minutes for each split."""


def write(name: str, split: int, file: Path) -> str:
    """Writes a set as CSV, with a column that splits it in this way and no other.

    Returns:
      The column to predict.
    """
    table = SETS[name]()
    rng = np.random.default_rng(split)
    ids = rng.permutation(len(table.rows))
    marked = table.rows.assign(**{SPLIT_BY: [f"{name}-{split}-{number}" for number in ids]})
    marked.to_csv(file, index=False)
    return table.label
