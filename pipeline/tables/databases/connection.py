"""A connection to the database that the environment names, whichever kind it is of."""

import importlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol, cast

import pyarrow as pa

from beltline.base.database_url import DATABASE, DatabaseUrl, Kind, read_url
from beltline.base.errors import WrongInput


class _Driver(Protocol):
    """What a module of a kind of database has."""

    ERRORS: tuple[type[Exception], ...]
    TEXT: str

    def connect(self, url: DatabaseUrl) -> Any: ...

    def names(self, connection: Any, text: str, span: str) -> list[str]: ...

    def batches(
        self, connection: Any, text: str, span: str, rows: int
    ) -> Iterator[pa.RecordBatch]: ...

    def said(self, error: Exception) -> str: ...


@dataclass(frozen=True)
class Reader:
    """An open database, which executes queries; their texts are bound to the value of `:span`."""

    driver: _Driver
    connection: Any

    def names(self, text: str, span: str) -> list[str]:
        """Returns the names of a query's columns."""
        return self.driver.names(self.connection, text, span)

    def batches(self, text: str, span: str, rows: int) -> Iterator[pa.RecordBatch]:
        """Yields the rows with all columns, as any Arrow types, at most `rows` at a time."""
        return self.driver.batches(self.connection, text, span, rows)

    def cast(self, column: str) -> str:
        """Returns SQL that turns a column into text."""
        return f"CAST({column} AS {self.driver.TEXT})"


@contextmanager
def opened(source: str) -> Iterator[Reader]:
    """Opens the database, to be read alone, for as long as it is needed.

    Whatever the database says against it becomes WrongInput, which begins with `source`, the
    setting that the query stands in, and never holds the password.
    """
    url = _url()
    driver = _driver(url.kind)
    try:
        connection = driver.connect(url)
    except driver.ERRORS as error:
        said = url.without_secrets(driver.said(error))
        raise WrongInput(f"{DATABASE}={url}: can't be opened: {said}") from None
    try:
        yield Reader(driver, connection)
    except driver.ERRORS as error:
        said = url.without_secrets(driver.said(error))
        raise WrongInput(f"{source}: {said} (the database is {url})") from None
    finally:
        connection.close()


def database() -> str:
    """Returns which database it is, whatever the account."""
    url = _url()
    return str(url.file or f"{url.kind}://{url.host}:{url.port}/{url.name}")


def _driver(kind: Kind) -> _Driver:
    # A driver takes a quarter of a second to load, which files need not wait for.
    return cast(_Driver, importlib.import_module(f"{__package__}.{kind}"))


def _url() -> DatabaseUrl:
    text = os.environ.get(DATABASE)
    if not text:
        raise WrongInput(
            f"data.source is sql, but {DATABASE} is not set: set it to sqlite:///FILE, "
            "mysql://USER:PASSWORD@HOST/NAME or postgresql://USER:PASSWORD@HOST/NAME"
        )
    return read_url(text, DATABASE)
