"""One real Airflow for the files here, with its database and ML Metadata in PostgreSQL.

Each file has a pipeline of its own name in it. It ends with the last of them: it is busy also when
nothing runs, and would slow the other tests down.
"""

from contextlib import ExitStack
from pathlib import Path

import pytest

from tests import airflow_process
from tests.airflow_process import PYTHON, Airflow
from tests.databases import Server

METADATA = "metadata"
_AT_WORK = ExitStack()


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(nextitem: pytest.Item | None) -> None:
    """Ends Airflow after the last test here: these folders are no packages, and have no scope."""
    if nextitem is None or Path(__file__).parent not in nextitem.path.parents:
        _AT_WORK.close()


@pytest.fixture(scope="session")
def metadata(postgresql: Server) -> str:
    """The URL of the ML Metadata that Airflow's connection `metadata` names."""
    return postgresql.database()


@pytest.fixture(scope="session")
def airflow(postgresql: Server, metadata: str) -> Airflow:
    """Airflow with all its components, and nothing in its DAG folder."""
    if not Path(PYTHON).exists():
        pytest.skip("there is no .venv-airflow (make setup-airflow)")
    database = postgresql.database().replace("postgresql:", "postgresql+psycopg2:")
    environment = {
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": database,
        f"AIRFLOW_CONN_{METADATA.upper()}": metadata,
    }
    return _AT_WORK.enter_context(airflow_process.running(environment))
