"""One process of the real Airflow for all tests here."""

from collections.abc import Iterator

import pytest

from tests.runners.airflow.airflow_process import PYTHON, Airflow


@pytest.fixture(scope="session")
def airflow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Airflow]:
    if not PYTHON.exists():
        pytest.skip(".venv-airflow, Airflow's environment, is not here: `make setup-airflow`")
    process = Airflow(tmp_path_factory.mktemp("airflow"))
    yield process
    process.close()
