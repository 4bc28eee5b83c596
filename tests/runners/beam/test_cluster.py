"""Invalid options of `beltline cluster up`; that it starts is in test_dask.py."""

import socket

import pytest

from beltline.base.errors import WrongInput

pytestmark = pytest.mark.slow  # Dask takes seconds to import.


def test_a_port_that_is_taken():
    from beltline.runners.beam.cluster import local_cluster

    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with (
            pytest.raises(WrongInput, match=f"--port: {port} can't be listened on"),
            local_cluster(1, port),
        ):
            pass


def test_memory_that_is_no_size():
    from beltline.runners.beam.cluster import local_cluster

    with (
        pytest.raises(WrongInput, match="--memory: invalid value 'much': must be a size, as 4GiB"),
        local_cluster(1, 0, "much"),
    ):
        pass
