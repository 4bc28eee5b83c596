"""What `beltline init` infers from a data set: label and task, features, slices, thresholds.

To add a task, add its case to `label.py`, its threshold to `_FLOORS`, and its models.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from beltline.base.errors import WrongInput
from beltline.pipeline.init.feature_selection import exclusion_reason, is_timestamp, shown
from beltline.pipeline.init.label import FEWEST_ROWS_PER_CLASS, InferredLabel, infer_label, where
from beltline.pipeline.init.leakage import leaks
from beltline.pipeline.init.profile import ColumnProfile, profile
from beltline.pipeline.init.timestamps import parts_of_times, readable, unreadable
from beltline.pipeline.settings.data import Part
from beltline.pipeline.tables import (
    Table,
    column_kinds,
    column_names,
    no_such_column,
    unusual_delimiter,
)

MOST_SLICES = 2
MOST_SLICE_VALUES = 12


@dataclass(frozen=True)
class Threshold:
    """What a metric must reach, and what that means."""

    metric: str
    side: Literal["lower", "upper"]
    value: float
    why: str


@dataclass(frozen=True)
class InferredProject:
    """What `draft.py` writes into the project's files and `summary.py` prints."""

    label: InferredLabel
    features: tuple[ColumnProfile, ...]
    timestamps: dict[str, list[Part]]
    """Of the features that are times, the parts that help."""
    excluded: dict[str, str]
    """Reason by column name."""
    slices: tuple[str, ...]
    threshold: Threshold
    notes: tuple[str, ...]
    """Warnings, a line each."""


def infer_project(files: Sequence[Table], label: str) -> InferredProject:
    """Returns a working project for the data in `files` and the label column.

    Raises:
      WrongInput: the column doesn't exist, or a model can't be trained on such data.
    """
    names = column_names(files)
    if label not in names:
        raise no_such_column(files[0], label, names)
    columns = profile(files, column_kinds(files))
    target = infer_label(files, columns.pop(label))
    reasons = {name: exclusion_reason(column) for name, column in columns.items()}
    excluded = {name: reason for name, reason in reasons.items() if reason}
    usable = [column for name, column in columns.items() if name not in excluded]
    at = [columns[name] for name in excluded if readable(columns[name])]
    leaking = leaks(files, [*usable, *at], target)
    parts = parts_of_times(files, [each for each in at if each.name not in leaking], target)
    helpful = {name: found for name, (found, _) in parts.items() if found}
    features = [each for each in usable if each.name not in leaking]
    features += [columns[name] for name in helpful]
    # Where all of them tell the label, it may be a simple one; a model needs some column.
    left_out = bool(features)
    features = features or usable
    if not features:
        raise WrongInput(_nothing_left(files[0], label, excluded))
    excluded |= {name: f"{excluded[name]}; {why}" for name, (_, why) in parts.items()}
    excluded |= {
        name: f"{excluded[name]}; not as in ISO 8601 (2026-01-31 06:00), so no use is made of it"
        for name in excluded
        if unreadable(columns[name])
    }
    excluded |= leaking if left_out else {}
    plain = [each for each in features if each.name not in helpful]
    return InferredProject(
        label=target,
        features=tuple(features),
        timestamps=helpful,
        excluded={name: why for name, why in excluded.items() if name not in helpful},
        slices=_slices(plain),
        threshold=_FLOORS[target.task](target),
        notes=(
            *_delimiter_notes(files),
            *_label_notes(target),
            *_leakage_notes(leaking, left_out),
            *_time_notes(columns.values()),
            *_feature_notes(features),
        ),
    )


def _nothing_left(file: Table, label: str, excluded: dict[str, str]) -> str:
    reasons = "; ".join(f"{name!r} is {reason}" for name, reason in list(excluded.items())[:10])
    return f"{file}: no input column is left besides the label {label!r}. {reasons}".rstrip(". ")


def _slices(features: Sequence[ColumnProfile]) -> tuple[str, ...]:
    few = [
        column.name
        for column in features
        if column.kind == "text" and 2 <= column.distinct <= MOST_SLICE_VALUES
    ]
    return tuple(few[:MOST_SLICES])


def _binary_floor(label: InferredLabel) -> Threshold:
    return Threshold("auc", "lower", 0.6, "0.5 is chance, 1 is perfect")


def _multiclass_floor(label: InferredLabel) -> Threshold:
    share = max(label.counts) / sum(label.counts)
    floor = math.ceil(1000 * (share + 0.05 * (1 - share))) / 1000
    return Threshold("accuracy", "lower", floor, f"always naming one class reaches {share:.3f}")


def _regression_floor(label: InferredLabel) -> Threshold:
    spread = float(f"{label.column.deviation:.4g}")
    return Threshold("rmse", "upper", spread, "always naming the mean reaches this")


_FLOORS = {
    "binary": _binary_floor,
    "multiclass": _multiclass_floor,
    "regression": _regression_floor,
}


def _delimiter_notes(files: Sequence[Table]) -> list[str]:
    for file in files:
        delimiter = unusual_delimiter(file)
        if delimiter:
            decimals = ", and 1,5 is read as 1.5" if delimiter == "semicolons" else ""
            return [f"{file}: {delimiter} separate the columns{decimals}"]
    return []


def _label_notes(label: InferredLabel) -> list[str]:
    notes = []
    if label.column.missing:
        notes.append(
            f"{label.column.missing:,} rows have no label (the first: {label.first_unlabelled}); "
            "they are dropped: data.unlabelled"
        )
    counts = dict(zip(label.classes, label.counts, strict=True))
    rare = [f"{shown(name)} ({n})" for name, n in counts.items() if n < FEWEST_ROWS_PER_CLASS]
    if rare:
        notes.append(f"classes with too few rows to learn or judge: {', '.join(rare[:10])}")
    if len({name.strip().casefold() for name in counts}) < len(counts):
        notes.append("some classes differ only in case or spaces; each counts as a class")
    return notes


def _leakage_notes(leaking: Iterable[str], left_out: bool) -> list[str]:
    said = (
        "is left out because it tells the label: if it is known before the label is, remove it "
        "from features.exclude"
        if left_out
        else "tells the label, as every column does: is it known before the label is?"
    )
    return [f"{name!r} {said}" for name in leaking]


def _time_notes(columns: Iterable[ColumnProfile]) -> list[str]:
    for column in columns:
        a_number = column.kind != "text" and column.present and is_timestamp(column)
        if a_number or readable(column):
            return [
                f"{column.name!r} is a time: with data.split_by.time, the latest rows are for the "
                "evaluation"
            ]
    return []


def _feature_notes(features: Sequence[ColumnProfile]) -> list[str]:
    return [
        f"{column.name!r} has {column.infinite:,} values that are infinite, or are so as 32-bit "
        f"floats (the first: {where(column.first_infinite)}); a run will refuse them"
        for column in features
        if column.first_infinite
    ]
