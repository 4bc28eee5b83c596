"""The cache: entries appear whole, what is in use stays, the rest leaves by age."""

import os
import subprocess
import sys

import pytest

from beltline.base.errors import WrongInput
from beltline.storage import cache


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv(cache.FOLDER, str(tmp_path / "cache"))
    monkeypatch.setenv(cache.MEGABYTES, "1")
    yield tmp_path / "cache"
    while cache._IN_USE:
        cache._IN_USE.pop().close()
    while cache._HELD:
        cache._HELD.popitem()[1].close()


def fill(size=1000):
    return lambda folder: (folder / "file").write_bytes(b"x" * size)


def entries(folder):
    return {each.name for each in folder.iterdir() if not each.name.startswith(".")}


def test_an_entry_is_fetched_once():
    calls = []
    for _ in range(2):
        found = cache.fetched("a", lambda folder: (calls.append(folder), fill()(folder)))
    assert found == cache.entry("a")
    assert (found / "file").stat().st_size == 1000
    assert len(calls) == 1


def test_a_fetch_that_fails_leaves_nothing(folder):
    def fails(there):
        fill()(there)
        raise OSError("no")

    with pytest.raises(OSError, match="no"):
        cache.fetched("a", fails)
    assert entries(folder) == set()
    assert not list(folder.glob(".staged-*"))
    assert cache.fetched("a", fill()).exists()


def test_what_was_used_the_longest_ago_leaves(folder):
    for age, key in enumerate(["oldest", "old", "3", "2", "1"]):
        os.utime(cache.fetched(key, fill(400_000)), (age, age))
    # The last three are in use; there is no room for any other.
    assert entries(folder) == {cache.entry(key).name for key in ("3", "2", "1")}


def test_what_another_process_uses_stays(folder):
    script = (
        "import sys; from beltline.storage import cache\n"
        "cache.fetched('theirs', lambda f: (f / 'file').write_bytes(b'x' * 900_000))\n"
        "print('ready', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout.readline() == b"ready\n"
        os.utime(cache.entry("theirs"), (1, 1))
        cache.fetched("ours", fill(900_000))
        assert entries(folder) == {cache.entry("theirs").name, cache.entry("ours").name}
    cache.fetched("ours", fill())
    assert entries(folder) == {cache.entry("ours").name}


def test_what_a_killed_process_staged_is_removed(folder):
    left = folder / ".staged-left"
    left.mkdir(parents=True)
    cache.fetched("a", fill())
    assert left.exists()
    os.utime(left, (1, 1))
    cache.fetched("a", fill())
    assert not left.exists()


@pytest.mark.parametrize("bound", ["0", "-1", "1.5", "much", "٣"])
def test_an_invalid_bound_is_refused(bound, monkeypatch):
    monkeypatch.setenv(cache.MEGABYTES, bound)
    with pytest.raises(WrongInput, match="BELTLINE_CACHE_MB"):
        cache.fetched("a", fill())


def test_what_is_to_stay_outlasts_others(folder):
    os.utime(cache.fetched("input", fill(400_000), stay=True), (1, 1))
    for age, key in enumerate(["4", "3", "2", "1"]):
        os.utime(cache.fetched(key, fill(400_000)), (age + 2, age + 2))
    assert entries(folder) == {cache.entry(key).name for key in ("input", "3", "2", "1")}


def test_a_folder_is_moved_in(folder, tmp_path):
    made = tmp_path / "made"
    (made / "sub").mkdir(parents=True)
    (made / "sub" / "file").write_text("x")
    cache.put("a", made)
    assert not made.exists()
    assert (cache.entry("a") / "sub" / "file").read_text() == "x"
    assert entries(folder) == {cache.entry("a").name}
