"""Real processes, and what a test may look for in them."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.models.on_dask import cluster, code, processes
from tests.models.shared.forked import forked

__all__ = ["cluster", "code", "processes", "start"]


@pytest.fixture
def start() -> Iterator[Any]:
    """Starts processes, as the Trainer's `fn_args.processes` does."""
    with forked() as starting:
        yield starting
