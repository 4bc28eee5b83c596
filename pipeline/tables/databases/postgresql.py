"""PostgreSQL, by ADBC: it streams as COPY does, in Arrow's columns from the wire on.

The URL's options are those of libpq, such as `sslmode=verify-full`.
"""

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, urlencode

import adbc_driver_manager
import adbc_driver_postgresql.dbapi
import pyarrow as pa

from beltline.base.database_url import DatabaseUrl
from beltline.pipeline.tables.databases import placeholder

ERRORS: tuple[type[Exception], ...] = (adbc_driver_manager.Error, pa.ArrowException, OSError)
# What a value of any type can be cast to.
TEXT = "text"
_CONNECT_SECONDS = "20"
_SPAN = "current_setting('beltline.span')"
_POSITION = re.compile(r"\nLINE \d+:.*\n *\^")
_PREFIX = re.compile(r"^[A-Z_]+: ")


def connect(url: DatabaseUrl) -> Any:
    """Opens the database, to be read alone."""
    connection = adbc_driver_postgresql.dbapi.connect(_uri(url), autocommit=True)
    try:
        _run(connection, "SET client_encoding TO 'UTF8'")
        _run(connection, "SET default_transaction_read_only TO on")
    except ERRORS:
        connection.close()
        raise
    return connection


def _uri(url: DatabaseUrl) -> str:
    options = urlencode({"connect_timeout": _CONNECT_SECONDS, **url.options}, quote_via=quote)
    account = f"{quote(url.user, '')}:{quote(url.password, '')}"
    host = f"[{url.host}]" if ":" in url.host else url.host
    return f"postgresql://{account}@{host}:{url.port}/{quote(url.name, '')}?{options}"


def _run(connection: Any, statement: str, *values: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, values or None)
        if values:
            cursor.fetchall()


def names(connection: Any, text: str, span: str) -> list[str]:
    """Returns the names of the query's columns."""
    with connection.cursor() as cursor:
        return list(cursor.adbc_execute_schema(_prepared(connection, text, span)).names)


def batches(connection: Any, text: str, span: str, rows: int) -> Iterator[pa.RecordBatch]:
    """Yields the query's rows in batches."""
    with connection.cursor() as cursor:
        cursor.execute(_prepared(connection, text, span))
        for batch in cursor.fetch_record_batch():
            _check(batch)
            for start in range(0, batch.num_rows, rows):
                yield batch.slice(start, rows)


def _prepared(connection: Any, text: str, span: str) -> str:
    # COPY takes no parameters: the value is bound to a setting of the session, which it reads.
    if span:
        _run(connection, "SELECT set_config('beltline.span', $1, false)", span)
    # The driver puts the query into brackets; a comment at its end would take in the closing one.
    return placeholder.replaced(text.strip().rstrip(";"), _SPAN) + "\n"


def _check(batch: pa.RecordBatch) -> None:
    for field, values in zip(batch.schema, batch.columns, strict=True):
        if (field.metadata or {}).get(b"POSTGRESQL:type") == b"money":
            # One of `ERRORS`, as for any type that Arrow can't read.
            raise pa.ArrowNotImplementedError(
                f"column '{field.name}' is of type money, which the driver can't read; turn it "
                f"into a number in the query: CAST({field.name} AS numeric)"
            )
        if pa.types.is_string(values.type):
            # A database in SQL_ASCII hands over any bytes.
            values.validate(full=True)


def said(error: Exception) -> str:
    """Returns what the server has said, in one line, without the query."""
    words = _POSITION.sub("", str(error).partition("\nQuery was:")[0])
    words = _PREFIX.sub("", words.partition("SQLSTATE:")[0]).replace("[libpq] ", "")
    return " ".join(words.split())
