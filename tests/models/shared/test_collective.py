"""Processes that reach each other, or say which one they don't."""

import pytest

from beltline.models.shared.collective import addresses, reach, reserved


def test_a_port_that_is_closed_is_named_at_once() -> None:
    with reserved() as here, reserved() as there:
        here.listen(1)
        ports = [each.getsockname()[1] for each in (here, there)]
        both = addresses(["localhost", "127.0.0.1"], ports)
        assert both == [f"127.0.0.1:{port}" for port in ports]
        expected = rf"process at {both[1]} can't be reached from \S+ \(.*refused\): open the ports"
        with pytest.raises(RuntimeError, match=expected):
            reach(both)
        there.listen(1)
        reach(both)
