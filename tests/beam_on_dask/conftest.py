"""One cluster of two workers with a thread each for the tests of this folder."""

import pytest


@pytest.fixture(scope="session")
def scheduler():
    from distributed import LocalCluster

    with LocalCluster(
        n_workers=2, threads_per_worker=1, host="127.0.0.1", dashboard_address=None
    ) as cluster:
        yield cluster.scheduler_address


def pytest_configure(config):
    for name in (
        "it_validatesrunner",
        "uses_dill",
        "no_xdist",
        "no_sickbay_batch",
        "no_sickbay_streaming",
    ):
        config.addinivalue_line("markers", f"{name}: of Beam's own tests")
