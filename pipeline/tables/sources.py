"""What a run reads: the files of a span, or the query of one; and the digest of what is in them.

A further kind of source is a field of `Source`, a case in each of its methods, and something that
`tables.units` takes.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from beltline.base.errors import WrongInput
from beltline.pipeline import tables
from beltline.pipeline.tables import databases
from beltline.pipeline.tables.databases import QUERY, Query, placeholder
from beltline.pipeline.tables.spans import LATEST, Table, days


@dataclass(frozen=True)
class Source:
    """What the settings say of the data, files or a query; `start` is where a path begins."""

    path: str = ""
    query: str = ""
    changed_by: str = ""
    span: str = LATEST
    start: Path | None = None

    def find(self) -> tables.Span:
        """Finds what there is of the span.

        Raises:
          NoData: there are no files of it. (Of a query, only `digest` finds that out.)
          WrongInput: the span does not go with the path or the query, or there are no data at all.
        """
        if self.query:
            return query_of_span(self.query, self.span)
        return tables.files_of_span(tables.source_path(self.path, self.start), self.span)

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
            raise WrongInput(f"features.exclude names every column of {QUERY}")
        return databases.content_digest(found.query, columns, self.changed_by)


def tables_of(data: Path | str) -> list[Table]:
    """Returns the files that a path stands for, or the query of a text; for `beltline init`."""
    return [*tables.data_files(data)] if isinstance(data, Path) else query_of_span(data).tables


def query_of_span(text: str, span: str = LATEST) -> tables.Span:
    """Returns a query for a span, whose value is bound to each `:span` in the text.

    Raises WrongInput where the two don't go together: only a query with `:span` takes one.
    """
    named = placeholder.is_in(text)
    if not named and span != LATEST:
        raise WrongInput(f"data.span '{span}': {QUERY} contains no :span: only 'latest' is allowed")
    if named and span == LATEST:
        raise WrongInput(
            f"data.span 'latest': {QUERY} contains :span, so the span must be given: a day such as "
            "2026-11-23, or a number"
        )
    if not named:
        return tables.Span([], query=Query(text))
    return tables.Span([], span, _number(span), query=Query(text, span))


def _number(span: str) -> int:
    try:
        return int(span) if span.isdecimal() else days(date.fromisoformat(span))
    except ValueError as error:
        raise WrongInput(f"data.span '{span}': {error}") from None
