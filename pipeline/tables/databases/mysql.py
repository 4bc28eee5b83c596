"""MySQL and MariaDB, by PyMySQL: unbuffered, with all values as the text that the server writes.

The wire is encrypted where the server can. Of the URL's options there is `ssl_ca`, a file of
certificates: with it the server must show one that is signed by them and has its name.
"""

from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pymysql
from pymysql.cursors import SSCursor

from beltline.base.database_url import DatabaseUrl
from beltline.pipeline.tables.databases import placeholder
from beltline.pipeline.tables.databases.columns import ROWS, batch_of

# Of its own a UnicodeError comes through, for a text that is not what the server says it is.
ERRORS: tuple[type[Exception], ...] = (pymysql.Error, UnicodeError, OSError)
# What a value of any type can be cast to.
TEXT = "CHAR"
_CONNECT_SECONDS = 20
# The server ends a reading that pauses for longer than this, by default after a minute.
_PAUSE_SECONDS = 3600


class _Unbuffered(SSCursor):
    """Hands rows over as they come, and doesn't wait for the rest when it is closed early."""

    def close(self) -> None:
        if self._result is not None:
            # Else it would read every row that is left.
            self._result.unbuffered_active = False
        self.connection = None


def connect(url: DatabaseUrl) -> Any:
    """Opens the database, to be read alone."""
    others = sorted(set(url.options) - {"ssl_ca"})
    if others:
        raise pymysql.Error(f"the option '{others[0]}' is not known (there is: ssl_ca)")
    connection = pymysql.connect(
        host=url.host,
        port=url.port,
        user=url.user,
        password=url.password,
        database=url.name,
        ssl_ca=url.options.get("ssl_ca"),
        # Of itself the driver would take any certificate.
        ssl_verify_identity="ssl_ca" in url.options or None,
        charset="utf8mb4",
        # Without converters every value stays the text that it is on the wire.
        conv={},
        cursorclass=_Unbuffered,
        connect_timeout=_CONNECT_SECONDS,
        autocommit=True,
    )
    with connection.cursor() as cursor:
        cursor.execute("SET SESSION TRANSACTION READ ONLY")
        cursor.execute(f"SET SESSION net_write_timeout = {_PAUSE_SECONDS}")
    return connection


def names(connection: Any, text: str, span: str) -> list[str]:
    """Returns the names of the query's columns."""
    with connection.cursor() as cursor:
        return _names(_executed(cursor, text, span))


def batches(connection: Any, text: str, span: str, rows: int) -> Iterator[pa.RecordBatch]:
    """Yields the query's rows in batches."""
    with connection.cursor() as cursor:
        columns = _names(_executed(cursor, text, span))
        while found := cursor.fetchmany(min(rows, ROWS)):
            yield batch_of(columns, found)


def _executed(cursor: SSCursor, text: str, span: str) -> SSCursor:
    # As the driver's parameters are written, with which a lone % must be doubled.
    written = placeholder.replaced(text.replace("%", "%%"), "%(span)s")
    cursor.execute(written, {"span": span})
    return cursor


def _names(cursor: SSCursor) -> list[str]:
    if cursor.description is None:
        raise pymysql.ProgrammingError("the query returns no rows, as a SELECT does")
    return [column[0] for column in cursor.description]


def said(error: Exception) -> str:
    """Returns what the server, or the driver, has said."""
    return str(error.args[1] if len(error.args) > 1 else error)
