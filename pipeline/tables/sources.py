"""What a run reads: the files of a span, or the query of one; and the digest of what is in them.

A further kind of source is a field of `Source`, a case in each of its methods, and something that
`tables.units` takes.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from beltline.base.errors import WrongInput
from beltline.pipeline import tables
from beltline.pipeline.tables import databases
from beltline.pipeline.tables.databases import Query, placeholder
from beltline.pipeline.tables.spans import DATA, LATEST, Table, days, has_spans

if TYPE_CHECKING:
    from beltline.pipeline.settings.rows import Rows


@dataclass(frozen=True)
class Source:
    """What a section of the settings says of rows, files or a query.

    `start` is where a path begins; `section` is the section's name, for messages.
    """

    path: str = ""
    query: str = ""
    changed_by: str = ""
    span: str = LATEST
    start: Path | None = None
    section: str = DATA

    @classmethod
    def of(cls, rows: "Rows", section: str = DATA, start: Path | None = None) -> "Source":
        """Returns the source that a section of the settings names."""
        words = (rows.path or "", rows.query or "", rows.changed_by or "", rows.span)
        return cls(*words, start, section)

    @property
    def has_spans(self) -> bool:
        """Whether there is a placeholder for the span in the path, or in the query."""
        return placeholder.is_in(self.query) if self.query else has_spans(self.path)

    def find(self) -> tables.Span:
        """Finds what there is of the span.

        Raises:
          NoData: there are no files of it. (Of a query, only `digest` finds that out.)
          WrongInput: the span does not go with the path or the query, or there are no data at all.
        """
        if self.query:
            return query_of_span(self.query, self.span, self.section)
        path = tables.source_path(self.path, self.start)
        return tables.files_of_span(path, self.span, self.section)

    def digest(self, found: tables.Span, unread: Collection[str], split_by: str = "") -> str:
        """Returns a digest (hex) of the content that `find` has found, for the cache to compare.

        That of files covers all they hold; that of a query no column that is `unread`, unless it
        decides the split: the time of the query is not part of the data.

        Raises:
          NoData: a query has no rows of the span.
        """
        if found.query is None:
            return tables.content_digest(found.files)
        names = tables.column_names([found.query])
        columns = [name for name in names if name not in unread or name == split_by]
        if not columns:
            raise WrongInput(f"features.exclude names every column of {found.query}")
        return databases.content_digest(found.query, columns, self.changed_by)


def tables_of(data: tables.File | str) -> list[Table]:
    """Returns the files that a path stands for, or the query of a text; for `beltline init`."""
    return query_of_span(data).tables if isinstance(data, str) else [*tables.data_files(data)]


def query_of_span(text: str, span: str = LATEST, section: str = DATA) -> tables.Span:
    """Returns a query for a span, whose value is bound to each `:span` in the text.

    Raises WrongInput where the two don't go together: only a query with `:span` takes one.
    """
    named, key = placeholder.is_in(text), f"{section}.query"
    if not named and span != LATEST:
        raise WrongInput(
            f"{section}.span '{span}': {key} contains no :span: only 'latest' is allowed"
        )
    if named and span == LATEST:
        raise WrongInput(
            f"{section}.span 'latest': {key} contains :span, so the span must be given: a day such "
            "as 2026-11-23, or a number"
        )
    if not named:
        return tables.Span([], query=Query(text, key=key))
    return tables.Span([], span, _number(span, section), query=Query(text, span, key))


def _number(span: str, section: str) -> int:
    try:
        return int(span) if span.isdecimal() else days(date.fromisoformat(span))
    except ValueError as error:
        raise WrongInput(f"{section}.span '{span}': {error}") from None
