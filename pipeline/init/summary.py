"""What `beltline init` prints: each decision with its reason, short even for hundreds of columns.

A further group of columns is an entry in `_groups`.
"""

from collections.abc import Iterable, Sequence

from beltline.pipeline.init.decisions import Decision
from beltline.pipeline.init.exclusions import shown
from beltline.pipeline.init.label import Label
from beltline.pipeline.init.schema import listed_values, stands_for_categories

MOST_LINES = 20
MOST_NAMES = 8


def account(decision: Decision) -> list[str]:
    """The lines to print about what was decided and why."""
    rows = decision.label.column.rows
    columns = len(decision.features) + len(decision.left_out) + 1
    threshold = decision.threshold
    bound = "at least" if threshold.side == "lower" else "at most"
    return [
        f"{rows:,} rows, {columns:,} columns",
        f"label      {_label(decision.label)}",
        *_features(decision),
        *_left_out(decision),
        *([f"slices     {', '.join(decision.slices)}"] if decision.slices else []),
        f"threshold  {threshold.metric} {bound} {threshold.value:g} ({threshold.why})",
        *(f"note       {note}" for note in decision.notes),
    ]


def _label(label: Label) -> str:
    name = label.column.name
    if label.task == "regression":
        return (
            f"{name}: regression, since it holds numbers "
            f"({label.column.lowest:g} to {label.column.highest:g})"
        )
    counts = [
        f"{shown(text)} {number:,}"
        for text, number in zip(label.classes, label.counts, strict=True)
    ]
    said = f"{name}: {label.task}, since it has {len(counts)} values ({_listed(counts)})"
    return said if label.positive is None else f"{said}; positive is {shown(label.positive)}"


def _features(decision: Decision) -> list[str]:
    lines = [f"features   {len(decision.features):,}"]
    for what, names in _groups(decision).items():
        if names:
            lines.append(f"  {len(names):,} {what}: {_listed(names)}")
    return lines


def _groups(decision: Decision) -> dict[str, list[str]]:
    """Feature names by what the model makes of them."""
    groups: dict[str, list[str]] = {
        "as a number": [],
        "as a number and as a category (few whole numbers)": [],
        "as a category (its values are listed in the schema)": [],
        "as a category (too many or too rare values to list)": [],
    }
    numbers, both, listed, many = groups.values()
    for column in decision.features:
        if column.kind == "text":
            (listed if listed_values(column) else many).append(column.name)
        else:
            (both if stands_for_categories(column) else numbers).append(column.name)
    return groups


def _left_out(decision: Decision) -> Iterable[str]:
    if not decision.left_out:
        return []
    said = [f"  {name}: {reason}" for name, reason in decision.left_out.items()]
    more = len(said) - MOST_LINES
    tail = [f"  and {more:,} more, each with its reason in pipeline.yaml"] if more > 0 else []
    return [f"left out   {len(said):,}", *said[:MOST_LINES], *tail]


def _listed(names: Sequence[str]) -> str:
    more = len(names) - MOST_NAMES
    return ", ".join(names[:MOST_NAMES]) + (f" and {more:,} more" if more > 0 else "")
