"""The pages of a root with 500 runs."""

import shutil
import tempfile
import time
from pathlib import Path

import pytest
import requests

from tests.runners import projects
from tests.runners.projects import Ledger
from tests.runners.ui.pages import started

_RUNS = 500
_IN_MEMORY = Path("/dev/shm")  # noqa: S108 # where there is one, writing takes seconds, not minutes


@pytest.fixture
def folder():
    within = _IN_MEMORY if _IN_MEMORY.is_dir() else None
    folder = Path(tempfile.mkdtemp(prefix="beltline-runs-", dir=within))
    projects.project(folder)
    ledger = Ledger(projects.paths(folder).metadata)
    for number in range(_RUNS):
        ledger.run(f"r{number}")
        ledger.node(f"r{number}", "Trainer", outputs={"model": ("Model", {})})
        ledger.node(f"r{number}", "Pusher")
    yield folder
    shutil.rmtree(folder)


@pytest.mark.slow
def test_the_first_view_takes_less_than_a_second(folder):
    with started(folder, "--no-open") as (_, (_, address)), requests.Session() as browser:
        begins = time.monotonic()
        first = browser.get(address, timeout=60)
        took = time.monotonic() - begins
        assert "500 runs, page 1 of 10" in first.text
        assert took < 1
        begins = time.monotonic()
        run = browser.get(f"{first.url}runs/r0/nodes/Trainer", timeout=60)
        assert run.status_code == 200
        assert time.monotonic() - begins < 1
