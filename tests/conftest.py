"""Fixtures that several tests share."""

from collections.abc import Iterator

import pytest

from tests import databases
from tests.beltline_process import Beltline


@pytest.fixture(scope="session")
def beltline() -> Beltline:
    """The command line, in processes that find TFX imported."""
    return Beltline()


@pytest.fixture(scope="session")
def postgresql() -> Iterator[databases.Server]:
    """A PostgreSQL server."""
    with databases.postgresql() as server:
        yield server


@pytest.fixture(scope="session")
def mariadb() -> Iterator[databases.Server]:
    """A MariaDB server."""
    with databases.mariadb() as server:
        yield server
