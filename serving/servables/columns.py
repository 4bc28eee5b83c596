"""The columns of the table that a version was trained on, by its card."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from beltline.base.values import Kind
from beltline.versions.folder import Version

_KINDS: frozenset[Kind] = frozenset({"integer", "number", "text"})


@dataclass(frozen=True)
class TableColumns:
    """The columns of a table; a version that Beltline didn't push says nothing of them."""

    kinds: Mapping[str, Kind] = field(default_factory=dict)
    """The kind of each column that the model reads."""
    unread: frozenset[str] = frozenset()
    """The other columns: the label, and those that the settings exclude, such as an id."""


def table_columns(version: Version) -> TableColumns:
    """Returns the columns that a version's card names; none if it names one of another kind."""
    columns = version.problem.get("columns")
    if not isinstance(columns, dict) or not set(columns.values()) <= _KINDS:
        return TableColumns()
    label = version.problem.get("label")
    others = {*version.unread, *([label] if isinstance(label, str) else [])}
    return TableColumns(columns, frozenset(others - columns.keys()))
