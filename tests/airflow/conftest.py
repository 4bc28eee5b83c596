"""One real Airflow for the files here, with its database and ML Metadata in PostgreSQL.

Each file has a pipeline of its own name in it. It ends with the last of them: it is busy also when
nothing runs, and would slow the other tests down.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import airflow_process
from tests.airflow_process import PYTHON, Airflow
from tests.databases import Server

METADATA = "metadata"


@pytest.fixture(scope="package")
def metadata(postgresql: Server) -> str:
    """The URL of the ML Metadata that Airflow's connection `metadata` names."""
    return postgresql.database()


@pytest.fixture(scope="package")
def airflow(postgresql: Server, metadata: str) -> Iterator[Airflow]:
    """Airflow with all its components, and nothing in its DAG folder."""
    if not Path(PYTHON).exists():
        pytest.skip("there is no .venv-airflow (make setup-airflow)")
    database = postgresql.database().replace("postgresql:", "postgresql+psycopg2:")
    environment = {
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": database,
        f"AIRFLOW_CONN_{METADATA.upper()}": metadata,
    }
    with airflow_process.running(environment) as started:
        yield started
