"""The label column that `beltline init` infers: its task and its classes.

To recognise more words for the positive class, add them to `POSITIVE` or `NEGATIVE`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from beltline.base.errors import WrongInput
from beltline.pipeline.init.feature_selection import exclusion_reason, shown
from beltline.pipeline.init.profile import ColumnProfile, Place, profile
from beltline.pipeline.settings.data import Task
from beltline.pipeline.tables import Table, place

MOST_CLASSES = 100
MOST_WHOLE_CLASSES = 20
FEWEST_ROWS_PER_CLASS = 10

# The words that people write for the case they look for, and for its absence. 1 is no such word:
# with 0 or -1 it is the positive class since those are not, and with 2 there is no telling.
POSITIVE = frozenset(
    {"yes", "y", "true", "t", "positive", "pos", "error", "fault", "faulty", "bad", "nok", "ng"}
    | {"fail", "fails", "failed", "failure", "defect", "defective", "scrap", "reject", "rejected"}
    | {"ja", "schlecht", "nio", "defekt", "ausschuss", "ausschuß", "oui", "si", "sí"}
    | {"churn", "churned", "fraud", "spam", "anomaly", "abnormal", "sick", "dead"}
)
NEGATIVE = frozenset(
    {"0", "0.0", "-1", "-1.0", "no", "n", "false", "f", "negative", "neg", "ok", "good", "fine"}
    | {"nein", "gut", "io", "non"}
    | {"pass", "passed", "none", "normal", "healthy", "ham"}
)


@dataclass(frozen=True)
class InferredLabel:
    """The column to predict."""

    column: ColumnProfile
    task: Task
    classes: tuple[str, ...]
    """The classes' texts in the order of their indices; binary: negative, positive."""
    counts: tuple[int, ...]
    """Rows of each class, in the order of `classes`."""
    first_unlabelled: str | None
    """File and line of the first row without a label, where there are any."""

    @property
    def positive(self) -> str | None:
        """The class whose probability a binary model gives."""
        return self.classes[1] if self.task == "binary" else None


def infer_label(files: Sequence[Table], column: ColumnProfile) -> InferredLabel:
    """Returns the label in `column`; its classes are read once more, as text.

    Raises:
      WrongInput: it has fewer than two values, too many texts, or a class in several spellings.
    """
    if not column.present:
        raise WrongInput(f"{files[0]}: the label {column.name!r} has no value in any row")
    if column.distinct == 1:
        only = shown(next(iter(column.counts)))
        raise WrongInput(
            f"{files[0]}: the label {column.name!r} is {only} in every row that has one; "
            "a model needs at least two different values"
        )
    task = _task(files, column)
    if task == "regression" and column.first_infinite:
        raise WrongInput(f"{where(column.first_infinite)}: the label {column.name!r} is infinite")
    counts = {} if task == "regression" else _class_counts(files, column)
    classes = _in_order(column, task, counts)
    return InferredLabel(
        column=column,
        task=task,
        classes=tuple(classes),
        counts=tuple(counts[name] for name in classes),
        first_unlabelled=where(column.first_missing) if column.first_missing else None,
    )


def where(found: Place) -> str:
    """Returns the file and line of a value, for a message."""
    file, row = found
    return f"{file}, {place(file, row)}"


def _task(files: Sequence[Table], column: ColumnProfile) -> Task:
    if column.distinct == 2:
        return "binary"
    if column.kind == "text":
        if column.distinct <= MOST_CLASSES:
            return "multiclass"
        raise WrongInput(_too_many_classes(files[0], column))
    few = column.distinct <= MOST_WHOLE_CLASSES
    enough = column.present >= FEWEST_ROWS_PER_CLASS * column.distinct
    return "multiclass" if column.whole and few and enough else "regression"


def _too_many_classes(file: Table, column: ColumnProfile) -> str:
    reason = exclusion_reason(column) or "text"
    return (
        f"{file}: the label {column.name!r} has {column.distinct:,} different values that are not "
        f"all numbers ({reason}), and a model has at most {MOST_CLASSES} classes; "
        "name another column, or group the values"
    )


def _class_counts(files: Sequence[Table], column: ColumnProfile) -> dict[str, int]:
    """Returns the rows by the class's text, just as ExampleGen will write it."""
    texts = profile(files, {column.name: "text"})[column.name].counts
    if len(texts) > column.distinct:
        written = ", ".join(shown(text) for text in sorted(map(str, texts))[:6])
        raise WrongInput(
            f"{files[0]}: the label {column.name!r} spells one number in several ways ({written}); "
            "spell each class in one way"
        )
    return {str(text): number for text, number in texts.items()}


def _in_order(column: ColumnProfile, task: Task, counts: dict[str, int]) -> list[str]:
    classes = sorted(counts) if column.kind == "text" else sorted(counts, key=float)
    if task == "binary" and _positive(column.name, classes) == classes[0]:
        classes.reverse()
    return classes


def _positive(name: str, classes: Sequence[str]) -> str:
    words = [text.strip().lower() for text in classes]
    positive = [word in POSITIVE or word == name.strip().lower() for word in words]
    negative = [word in NEGATIVE for word in words]
    if positive[0] != positive[1]:
        return classes[positive.index(True)]
    if negative[0] != negative[1]:
        return classes[negative.index(False)]
    return classes[1]
