"""Who starts the processes of a training, and who asks for them."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import pytest

from beltline.base import together
from beltline.base.errors import WrongInput


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    before = list(together._starts)
    together._starts.clear()
    yield
    together._starts[:] = before


def start_of(place: str) -> together.Start:
    def start(number: int, factory: str) -> AbstractContextManager[Any]:
        return nullcontext((place, number, factory))

    return start


def test_the_node_that_runs_last_says_where() -> None:
    with pytest.raises(WrongInput, match="requires the node runner"):
        together.processes(2, "a.B")
    for place in ("here", "there"):
        together.start_with(start_of(place))
        with together.processes(2, "a.B") as found:
            assert found == (place, 2, "a.B")
