"""The lease: one holder at a time, in a real S3 server."""

import subprocess
import sys
import time

import pytest

from beltline.storage import lease, objects
from beltline.storage.errors import StoreError
from beltline.storage.url import parse
from tests.storage.scenarios import holders_at_once

pytestmark = pytest.mark.slow


@pytest.fixture
def url(bucket):
    return parse(bucket) / "lease"


def test_one_holder_at_a_time(url, monkeypatch):
    monkeypatch.setattr(lease, "SETTLE", 0.3)
    assert holders_at_once(url, 5, 0.05) == [1] * 5
    with pytest.raises(FileNotFoundError):
        objects.read(url)


def test_the_lease_of_a_killed_holder_ends(url, monkeypatch):
    script = (
        "import os, sys; from beltline.storage.lease import leased; from beltline.storage.url "
        "import parse\nwith leased(parse(sys.argv[1])): os.kill(os.getpid(), 9)"
    )
    assert subprocess.run([sys.executable, "-c", script, str(url)]).returncode == -9
    assert objects.read(url)
    monkeypatch.setattr(lease, "SECONDS", 2.0)
    began = time.monotonic()
    with lease.leased(url):
        assert time.monotonic() - began > 2


def test_a_lease_that_is_never_free_is_an_error(url, monkeypatch):
    objects.write(url, b"somebody")
    monkeypatch.setattr(lease, "_GIVE_UP", 0.5)
    with pytest.raises(StoreError, match="another push or promotion is running"):
        lease.leased(url).__enter__()
    assert objects.read(url) == b"somebody"


def test_a_writer_that_was_too_slow_does_not_hold_it(faults, url, monkeypatch):
    """Its write may have come after somebody else had looked."""
    faults.slow["PUT"] = 1.0
    monkeypatch.setattr(lease, "SECONDS", 60)
    monkeypatch.setattr(lease, "_GIVE_UP", 3)
    with pytest.raises(StoreError, match="another push"), lease.leased(url):
        pass


def test_a_holder_that_took_too_long_may_not_write(url, monkeypatch):
    with lease.leased(url) as held:
        held.check()
        monkeypatch.setattr(lease, "SECONDS", 0.1)
        time.sleep(0.1)
        with pytest.raises(StoreError, match="nothing was changed"):
            held.check()
