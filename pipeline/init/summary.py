"""What `beltline init` prints: each inferred setting with its reason, short for any data set.

To add a group of columns, add an entry to `_groups`.
"""

from collections.abc import Iterable, Sequence

from beltline.pipeline.init.feature_selection import shown
from beltline.pipeline.init.inference import InferredProject
from beltline.pipeline.init.label import InferredLabel
from beltline.pipeline.init.schema import listed_values, stands_for_categories

MOST_LINES = 20
MOST_NAMES = 8


def summary_lines(inferred: InferredProject) -> list[str]:
    """Returns the lines to print about what was inferred and why."""
    rows = inferred.label.column.rows
    columns = len(inferred.features) + len(inferred.excluded) + 1
    threshold = inferred.threshold
    bound = "at least" if threshold.side == "lower" else "at most"
    return [
        f"{rows:,} rows, {columns:,} columns",
        f"label      {_label(inferred.label)}",
        *_features(inferred),
        *_excluded(inferred),
        *([f"slices     {', '.join(inferred.slices)}"] if inferred.slices else []),
        f"threshold  {threshold.metric} {bound} {threshold.value:g} ({threshold.why})",
        *(f"note       {note}" for note in inferred.notes),
    ]


def _label(label: InferredLabel) -> str:
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


def _features(inferred: InferredProject) -> list[str]:
    lines = [f"features   {len(inferred.features):,}"]
    for what, names in _groups(inferred).items():
        if names:
            lines.append(f"  {len(names):,} {what}: {_listed(names)}")
    return lines


def _groups(inferred: InferredProject) -> dict[str, list[str]]:
    """Returns the names of the features by their use in the model."""
    groups: dict[str, list[str]] = {
        "as a number": [],
        "as a number and as a category (few whole numbers)": [],
        "as a category (its values are listed in the schema)": [],
        "as a category (too many or too rare values to list)": [],
        "as a timestamp": [],
    }
    numbers, both, listed, many, times = groups.values()
    for column in inferred.features:
        if column.name in inferred.timestamps:
            times.append(f"{column.name} ({', '.join(inferred.timestamps[column.name])})")
        elif column.kind == "text":
            (listed if listed_values(column) else many).append(column.name)
        else:
            (both if stands_for_categories(column) else numbers).append(column.name)
    return groups


def _excluded(inferred: InferredProject) -> Iterable[str]:
    if not inferred.excluded:
        return []
    said = [f"  {name}: {reason}" for name, reason in inferred.excluded.items()]
    more = len(said) - MOST_LINES
    tail = [f"  and {more:,} more, each with its reason in pipeline.yaml"] if more > 0 else []
    return [f"left out   {len(said):,}", *said[:MOST_LINES], *tail]


def _listed(names: Sequence[str]) -> str:
    more = len(names) - MOST_NAMES
    return ", ".join(names[:MOST_NAMES]) + (f" and {more:,} more" if more > 0 else "")
