"""A database of a test, of each kind that Beltline reads, and SQL that writes to it."""

import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import adbc_driver_postgresql.dbapi
import pymysql
import pytest

from beltline.base.database_url import read_url
from beltline.base.errors import WrongInput
from beltline.pipeline.tables.databases import Query
from tests.databases import PASSWORD

# 300,000 numbers, in each one's own words.
_SERIES = {
    "sqlite": "WITH RECURSIVE numbers(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM numbers "
    "WHERE i < 300000) SELECT i FROM numbers",
    "mysql": "SELECT seq AS i FROM seq_1_to_300000",
    "postgresql": "SELECT i FROM generate_series(1, 300000) AS i",
}


@dataclass(frozen=True)
class Database:
    """An empty database; `url` is what `BELTLINE_DATABASE` says of it."""

    url: str

    @property
    def kind(self) -> str:
        """Which of the three it is."""
        return read_url(self.url, "").kind

    @property
    def series(self) -> str:
        """A query of one column `i`, with the numbers from 1 to 300,000."""
        return _SERIES[self.kind]

    def execute(self, *statements: str) -> None:
        """Executes the statements, one by one."""
        with closing(self._connection()) as connection, closing(connection.cursor()) as cursor:
            for statement in statements:
                cursor.execute(statement)

    def _connection(self) -> Any:
        url = read_url(self.url, "")
        if url.kind == "sqlite":
            return sqlite3.connect(url.file, isolation_level=None)
        if url.kind == "postgresql":
            return adbc_driver_postgresql.dbapi.connect(self.url, autocommit=True)
        account = {"user": url.user, "password": url.password, "database": url.name}
        options = {"charset": "utf8mb4", "autocommit": True}
        return pymysql.connect(host=url.host, port=url.port, **account, **options)


def sqlite_url(file: Path) -> str:
    """A SQLite file that is there, and empty."""
    file.touch()
    return f"sqlite:///{file}"


def rows(query: Query | str, columns: Sequence[str] | None = None, size: int = 65536) -> list[Any]:
    """The rows of a query, as its own reader gives them."""
    query = query if isinstance(query, Query) else Query(query)
    read = query.batches(columns or query.header(), size)
    return [row for batch in read for row in batch.to_pylist()]


def refusal(call: Callable[..., Any], *given: Any) -> str:
    """What a call is refused with: one line, without the password."""
    with pytest.raises(WrongInput) as refused:
        result = call(*given)
        list(result)
    message = str(refused.value)
    assert PASSWORD not in message and PASSWORD.partition("@")[0] not in message
    assert "\n" not in message
    return message
