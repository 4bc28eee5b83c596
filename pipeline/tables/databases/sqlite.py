"""SQLite, by Python's own driver: a column may hold values of any type there, row by row."""

import sqlite3
from collections.abc import Iterator
from urllib.parse import quote

import pyarrow as pa

from beltline.base.database_url import DatabaseUrl
from beltline.pipeline.tables.databases.columns import ROWS, batch_of

# A query of several statements is a mere Warning to it.
ERRORS: tuple[type[Exception], ...] = (sqlite3.Error, sqlite3.Warning)
# What a value of any type can be cast to.
TEXT = "TEXT"


def connect(url: DatabaseUrl) -> sqlite3.Connection:
    """Opens the file, to be read alone; one thread after the other may use it."""
    if url.file is None or not url.file.is_file():
        raise sqlite3.OperationalError("no such file")
    connection = sqlite3.connect(
        f"file:{quote(str(url.file))}?mode=ro", uri=True, check_same_thread=False
    )
    try:
        # Only now it looks whether this is a database.
        connection.execute("PRAGMA schema_version")
    except ERRORS:
        connection.close()
        raise
    return connection


def names(connection: sqlite3.Connection, text: str, span: str) -> list[str]:
    """Returns the names of the query's columns."""
    return _names(connection.execute(text, {"span": span}))


def batches(
    connection: sqlite3.Connection, text: str, span: str, rows: int
) -> Iterator[pa.RecordBatch]:
    """Yields the query's rows in batches."""
    cursor = connection.execute(text, {"span": span})
    columns = _names(cursor)
    while found := cursor.fetchmany(min(rows, ROWS)):
        yield batch_of(columns, found)


def _names(cursor: sqlite3.Cursor) -> list[str]:
    if cursor.description is None:
        raise sqlite3.ProgrammingError("the query returns no rows, as a SELECT does")
    return [column[0] for column in cursor.description]


def said(error: Exception) -> str:
    """Returns what SQLite has said."""
    return str(error)
