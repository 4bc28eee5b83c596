"""What Airflow makes of a pod's exit code."""

import pytest

from tests.runners.airflow.airflow_process import compiled


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    chosen = {"image": "example/beltline:1", "volume_claim": "shared"}
    return compiled(tmp_path_factory.mktemp("ended"), where="kubernetes", kubernetes=chosen)


@pytest.mark.parametrize(
    ("exit_code", "raised"),
    [(0, ""), (99, "AirflowSkipException"), (1, "AirflowException"), (3, "AirflowException")],
)
def test_a_date_without_data_is_skipped_and_no_other_exit_code_is(
    airflow, folder, exit_code, raised
):
    ended = airflow.ask("pod_ended", folder, node="ExampleGen", exit_code=exit_code)
    assert ended["raised"] == raised
