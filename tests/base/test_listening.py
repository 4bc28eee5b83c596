import socket

import pytest

from beltline.base.errors import WrongInput
from beltline.base.listening import listen


def test_a_port_in_use():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(WrongInput, match=rf"127.0.0.1:{port}: can't listen: .*--port"):
            listen("127.0.0.1", port)


@pytest.mark.parametrize("host", ["no.such.host.invalid", "300.1.1.1", "a" * 300, "x\0y"])
def test_an_invalid_host(host):
    with pytest.raises(WrongInput, match="--host"):
        listen(host, 0)


def test_a_free_port():
    with listen("localhost", 0) as first, listen("127.0.0.1", 0) as second:
        assert first.getsockname()[1] != second.getsockname()[1]
