"""The rows of an SQL query, read with Arrow in batches; nothing of a table is held as a whole.

The database is the one that the environment names in `BELTLINE_DATABASE`, as `sqlite:///FILE`,
`mysql://USER:PASSWORD@HOST/NAME` or `postgresql://…`. It is opened read-only, anew for each
reading. Numbers and texts come as `plain.py` has them; MySQL's all as text, as the server writes
them, which `kinds.py` understands.

A further database is a module like `sqlite.py`, named as `base/database_url.py` names its kind.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pyarrow as pa

from beltline.base.errors import NoData
from beltline.pipeline.tables.databases.connection import Reader, database, opened
from beltline.pipeline.tables.plain import plain
from beltline.pipeline.tables.units import ReadyBlock

QUERY = "data.query"
_ROWS = 65536


@dataclass(frozen=True)
class Query:
    """An SQL query, the value of each `:span` in it, and the setting that it stands in.

    It is a unit of work as a whole: a database gives the rows of a query in one stream.
    """

    text: str
    span: str = ""
    key: str = QUERY

    def __str__(self) -> str:
        return self.key

    def source(self) -> str:
        """Returns what a message calls it: the setting."""
        return self.key

    def header(self) -> list[str]:
        """Returns the columns' names. Raises WrongInput with the database's message."""
        with opened(self.key) as reader:
            return reader.names(self.text, self.span)

    def blocks(self, columns: Sequence[str]) -> Iterator[ReadyBlock]:
        """Yields the rows in the database's order; raises as `batches`."""
        before = 0
        for batch in self.batches(columns):
            yield ReadyBlock(batch, before)
            before += batch.num_rows

    def batches(self, columns: Sequence[str], rows: int = _ROWS) -> Iterator[pa.RecordBatch]:
        """Yields the columns as integer, float or string arrays, at most `rows` rows at a time.

        Raises WrongInput for a column that holds no single values, and with what the database has
        said.
        """
        with opened(self.key) as reader:
            for batch in reader.batches(self.text, self.span, rows):
                yield self._plain(reader, batch.select(list(columns)))

    def numbered_batches(self) -> Iterator[pa.RecordBatch]:
        """Yields all columns, named by their numbers: their names may be equal or empty."""
        with opened(self.key) as reader:
            for batch in reader.batches(self.text, self.span, _ROWS):
                numbers = [str(number) for number in range(batch.num_columns)]
                yield self._plain(reader, batch).rename_columns(numbers)

    def _plain(self, reader: Reader, batch: pa.RecordBatch) -> pa.RecordBatch:
        names = batch.schema.names
        arrays = [
            plain(self.key, name, values, f"let the query write it as text: {reader.cast(name)}")
            for name, values in zip(names, batch.columns, strict=True)
        ]
        return pa.RecordBatch.from_arrays(arrays, names=names)


def content_digest(query: Query, columns: Sequence[str], changed_by: str = "") -> str:
    """Returns a digest (hex) of columns of the query's result, independent of its order.

    With `changed_by`, the text of another query, it is a digest of that one's whole result, and of
    which database this is.
    Raises WrongInput as `Query.batches` does, and NoData where a query of a span has no rows.
    """
    # pandas takes half a second to load, which files need not wait for.
    from beltline.pipeline.tables.row_digest import RowDigest

    if query.span and next(query.batches(columns[:1], 1), None) is None:
        raise NoData(f"no data for span {query.span}: {query} has no rows for it")
    if changed_by:
        key = f"{query.key.partition('.')[0]}.changed_by"
        read = Query(changed_by, query.span, key).numbered_batches()
    else:
        read = query.batches(columns)
    digest = RowDigest()
    for batch in read:
        digest.add(batch)
    # A number of rows says nothing of those of another database.
    return digest.hexdigest(database() if changed_by else "")
