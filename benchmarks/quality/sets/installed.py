"""Tables of packages that the development environment has, and of Beltline itself."""

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pandas as pd

from beltline.data import taxi
from benchmarks.quality.sets.table import Table

CASTING = Path(__file__).parents[3] / "data" / "casting.csv"


def breast_cancer() -> Table:
    """569 rows, 30 numbers, two classes."""
    return _of_scikit_learn("load_breast_cancer", "diagnosis")


def wine() -> Table:
    """178 rows, 13 numbers, three classes."""
    return _of_scikit_learn("load_wine", "cultivar")


def iris() -> Table:
    """150 rows, 4 numbers, three classes."""
    return _of_scikit_learn("load_iris", "species")


def digits() -> Table:
    """1,797 rows, 64 whole numbers of 0 to 16, ten classes."""
    table = _of_scikit_learn("load_digits", "digit")
    names = [name for name in table.rows if name != table.label]
    return Table(table.rows.astype(dict.fromkeys(names, int)), table.label)


def diabetes() -> Table:
    """442 rows, 10 numbers in their own units, a number to predict."""
    from sklearn import datasets

    bunch = datasets.load_diabetes(as_frame=True, scaled=False)
    return Table(bunch.data.assign(progression=bunch.target), "progression")


def penguins() -> Table:
    """344 rows, numbers and categories with gaps, three classes."""
    from palmerpenguins import load_penguins

    return Table(load_penguins(), "species")


def anes96() -> Table:
    """944 rows, 10 numbers of a survey, two classes: the vote of 1996."""
    rows = _of_statsmodels("anes96")
    return Table(rows.assign(vote=rows["vote"].map({0: "Clinton", 1: "Dole"})), "vote")


def fair() -> Table:
    """6,366 rows, 8 numbers of a survey, two classes: whether there was an affair."""
    rows = _of_statsmodels("fair")
    return Table(
        rows.assign(affairs=rows["affairs"].gt(0).map({False: "no", True: "yes"})), "affairs"
    )


def trips() -> Table:
    """15,002 rows, numbers and categories with gaps, two classes."""
    with TemporaryDirectory() as folder:
        file = Path(folder) / "taxi.csv"
        taxi.convert(taxi.source_path(), file)
        return Table(pd.read_csv(file, dtype=str), taxi.LABEL)


def casting() -> Table:
    """20,000 rows, numbers and categories, two classes, 4 % positive; not public, but here."""
    return Table(pd.read_csv(CASTING, dtype=str), "scrap")


SETS: dict[str, Callable[[], Table]] = {
    "breast_cancer": breast_cancer,
    "wine": wine,
    "iris": iris,
    "digits": digits,
    "diabetes": diabetes,
    "penguins": penguins,
    "anes96": anes96,
    "fair": fair,
    "taxi": trips,
    "casting": casting,
}


def _of_statsmodels(name: str) -> pd.DataFrame:
    from statsmodels import datasets

    rows: pd.DataFrame = getattr(datasets, name).load_pandas().data
    return rows


def _of_scikit_learn(loader: str, label: str) -> Table:
    """A classification, with its classes by name."""
    from sklearn import datasets

    bunch: Any = getattr(datasets, loader)(as_frame=True)
    classes = [f"class {name}" for name in bunch.target_names]
    return Table(bunch.data.assign(**{label: [classes[i] for i in bunch.target]}), label)
