"""Why a version answers as it does: the row again, with one column after another as usual."""

from typing import TYPE_CHECKING, Any

import pyarrow as pa

from beltline.api.rows import table_of
from beltline.base.errors import WrongInput
from beltline.runners.report.statistics import columns_of, of_file
from beltline.versions.folder import STATISTICS

if TYPE_CHECKING:
    import pandas as pd

    from beltline.api.version import Version

# What an answer is by, in the order in which a version may have it.
_ANSWERS = ("probability", "prediction")


def explained(version: "Version", row: Any) -> "pd.DataFrame":
    """Returns what `Version.explain` says."""
    import pandas as pd

    table = table_of(row)
    if table.num_rows != 1:
        raise WrongInput(f"rows: one is explained at a time, not {table.num_rows}")
    given = table.to_pylist()[0]
    usual = {name: value for name, value in _usual(version).items() if name in version.columns}
    changed = [{**given, name: value} for name, value in usual.items()]
    answers = _answers(version.predict(_table([given, *changed], table.schema)))
    first, *others = answers
    found = pd.DataFrame(
        {
            "column": list(usual),
            "value": [given.get(name) for name in usual],
            "usual": list(usual.values()),
            "answer": others,
            "effect": [first - other for other in others],
        }
    ).set_index("column")
    return found.sort_values("effect", key=abs, ascending=False)


def _table(rows: list[dict[str, Any]], schema: pa.Schema) -> pa.Table:
    """Returns rows as texts, which every column takes: a usual value may be of another type."""
    return pa.table(
        {
            name: pa.array(
                [None if row[name] is None else str(row[name]) for row in rows], pa.string()
            )
            for name in schema.names
        }
    )


def _usual(version: "Version") -> dict[str, Any]:
    dataset = of_file(version.path / STATISTICS)
    if dataset is None:
        raise WrongInput(f"version {version.number} has no statistics of its training rows")
    found = {}
    for column in columns_of({"train": dataset}):
        of = column["of"]["train"]
        top = of.get("top") or [[None, 0]]
        median = of.get("median")
        whole = version.columns.get(column["column"]) == "integer" and median is not None
        found[column["column"]] = (
            (round(median) if whole else median) if "median" in of else top[0][0]
        )
    return found


def _answers(answers: "pd.DataFrame") -> list[float]:
    """Returns a number for each answer: of several classes, the probability of the first row's."""
    if "probabilities" in answers or any(str(name).startswith("probability_") for name in answers):
        return [float(value) for value in answers[f"probability_{answers['class'].iloc[0]}"]]
    name = next(name for name in _ANSWERS if name in answers)
    return [float(value) for value in answers[name]]
