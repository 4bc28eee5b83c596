"""Serving versions from a real S3 server: they are followed, and an outage changes nothing."""

import asyncio
import logging

import numpy as np
import pytest

from beltline.serving.options import Options
from beltline.serving.servables.served import ServedVersions
from beltline.storage import objects
from beltline.storage.url import parse
from beltline.versions.live import promote, rollback
from tests import object_store
from tests.serving.servables.test_served import error, live, until
from tests.serving.servables.versions_made import push_line

pytestmark = pytest.mark.slow


@pytest.fixture
def url(bucket):
    return parse(bucket) / "line"


@pytest.fixture
def served(url):
    found = ServedVersions(Options("line", url, poll_seconds=0.05))
    found.start()
    yield found
    found.close()


def answered(served):
    rows = {"heat": np.array([1], np.float32), "mold": np.array(["A"], object)}
    found = asyncio.run(served.run(served.live, "serving_default", rows, 1))
    return float(found["probability"][0])


def test_pushes_promotions_and_rollbacks_are_followed(url, served, tmp_path):
    for number, scale in ((1, 3.0), (2, 5.0)):
        assert push_line(url, tmp_path, scale) == number
        until(lambda wanted=number: live(served) == wanted)
        assert answered(served) == scale
    promote(url, 1)
    until(lambda: live(served) == 1)
    rollback(url)
    until(lambda: live(served) == 2)
    assert answered(served) == 5.0


def test_a_damaged_version_is_never_live(url, served, tmp_path):
    push_line(url, tmp_path, 3.0)
    until(lambda: live(served) == 1)
    known = set(object_store.sizes(url))
    # Its last object is the index: what is damaged before, nobody has seen.
    index = objects.read(url / "versions.json")
    push_line(url, tmp_path, 5.0)
    newer = objects.read(url / "versions.json")
    until(lambda: live(served) == 2)
    objects.write(url / "versions.json", index)
    until(lambda: live(served) == 1)
    [file] = [each for each in set(object_store.sizes(url)) - known if "data-00000" in each.name]
    objects.write(file, b"other")
    served._versions.close()
    for each in (tmp_path / "cache").glob("*/2"):
        each.rename(tmp_path / "moved")
        each.parent.rmdir()
    objects.write(url / "versions.json", newer)
    until(lambda: "not what was pushed" in error(served, 2))
    until(lambda: live(served) == 1)


def test_an_outage_is_outlived(url, faults, served, tmp_path, caplog):
    caplog.set_level(logging.INFO, "beltline.serving")
    push_line(url, tmp_path, 3.0)
    until(lambda: live(served) == 1)
    faults.busy["versions.json"] = 100_000
    until(lambda: "can't be read" in caplog.text, 90)
    assert answered(served) == 3.0
    faults.busy.clear()
    push_line(url, tmp_path, 5.0)
    until(lambda: live(served) == 2, 60)
