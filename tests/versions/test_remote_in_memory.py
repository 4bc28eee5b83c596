"""Versions in a store in this process: what needs no server, see `test_remote.py`."""

import pytest

from beltline.base.errors import WrongInput
from beltline.storage import lease, objects
from beltline.storage.url import parse
from beltline.versions import remote
from beltline.versions.folder import fetch, find, numbers
from beltline.versions.live import live, previous, promote, rollback
from beltline.versions.loaded.errors import BrokenVersion
from beltline.versions.push import push
from beltline.versions.retention import expire
from tests.versions.pushed import FILES, model, whole

URL = parse("s3://bucket/served/parts")


@pytest.fixture(autouse=True)
def quick(memory, monkeypatch):
    monkeypatch.setattr(lease, "SETTLE", 0.01)
    monkeypatch.setattr(remote, "_PAUSE_SECONDS", 0.0)


@pytest.fixture
def made(tmp_path):
    return lambda name: model(tmp_path / "models" / name, name)


def test_a_push_is_whole_and_listed_last(memory, made):
    assert (numbers(URL), live(URL), find(URL, 1)) == ([], None, None)
    assert push(made("a"), URL, {"run": "r1"}) == (1, True)
    written = [each.rpartition("/")[2] for each in memory.writes if not each.endswith("/lease")]
    assert written[-2:] == ["push.json", "versions.json"]
    assert push(made("a"), URL, {}) == (1, False)
    version = find(URL, 1)
    fetch(URL, version)
    assert version.run == "r1" and whole(version.path)


def test_promotions_rollbacks_and_deletions(memory, made):
    for name in "abc":
        push(made(name), URL, {})
    assert promote(URL, 1) == 3
    assert (live(URL), previous(URL)) == (1, 3)
    assert expire(URL, 1) == [2]
    assert numbers(URL) == [1, 3]
    assert len({each.split("/")[5] for each in memory.store if "/files/" in each}) == 2
    assert rollback(URL) == (1, 3)
    with pytest.raises(WrongInput, match=r"version 2 not found \(existing: 1, 3\)"):
        promote(URL, 2)


def test_a_file_that_was_changed_is_not_served(memory, made):
    push(made("a"), URL, {})
    [file] = [each for each in memory.store if each.endswith(FILES[0])]
    objects.write(parse(f"s3:/{file}"), b"other")
    with pytest.raises(BrokenVersion, match="not what was pushed"):
        fetch(URL, find(URL, 1))


@pytest.mark.parametrize("text", [b"", b"[]", b"{}", b'{"last": "x"}'])
def test_what_is_no_index_is_not_replaced(made, text):
    objects.write(URL / "versions.json", text)
    with pytest.raises(WrongInput, match="not an index of versions"):
        push(made("a"), URL, {})
    assert objects.read(URL / "versions.json") == text
