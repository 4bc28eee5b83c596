"""One cluster of two workers with a thread each for the tests of this folder."""

import pytest

pytest.importorskip("distributed")


@pytest.fixture(scope="session")
def scheduler():
    from distributed import LocalCluster

    with LocalCluster(
        n_workers=2, threads_per_worker=1, host="127.0.0.1", dashboard_address=None
    ) as cluster:
        yield cluster.scheduler_address
