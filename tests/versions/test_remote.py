"""Versions in a real S3 server: pushed whole, chosen by one write, whatever fails on the way."""

import json
import signal
import subprocess
import sys
import threading
import time

import pytest

from beltline.base.errors import WrongInput
from beltline.storage import cache, lease, objects
from beltline.storage.errors import StoreError
from beltline.storage.url import parse
from beltline.versions import remote
from beltline.versions.folder import CARD, CHECK_ROWS, fetch, find, model_digest, numbers, versions
from beltline.versions.live import live, order, previous, promote, rollback
from beltline.versions.loaded.errors import BrokenVersion
from beltline.versions.push import push
from beltline.versions.retention import expire
from tests.object_store import sizes
from tests.versions.pushed import FILES, model, whole

pytestmark = pytest.mark.slow

PUSH = """
import sys
from pathlib import Path
from beltline.storage.url import parse
from beltline.versions.push import push
print(push(Path(sys.argv[1]), parse(sys.argv[2]), {}))
"""


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(lease, "SETTLE", 0.6)


@pytest.fixture
def url(bucket):
    return parse(bucket) / "parts"


@pytest.fixture
def made(tmp_path):
    return lambda name: model(tmp_path / "models" / name, name)


def test_a_pushed_version_has_its_files_card_and_extras(url, made, tmp_path):
    assert (numbers(url), live(url), find(url, 1)) == ([], None, None)
    rows = tmp_path / "rows"
    rows.write_text("{}")
    card = {"run": "r1", "metrics": {"auc": 0.9}, "blessed": True}
    assert push(made("a"), url, card, {CHECK_ROWS: rows}) == (1, True)
    version = find(url, 1)
    assert (version.run, version.metrics, version.blessed) == ("r1", {"auc": 0.9}, True)
    assert not version.path.exists()
    fetch(url, version)
    assert whole(version.path)
    assert (version.path / CHECK_ROWS).read_text() == "{}"
    assert model_digest(version.path) == version.digest == model_digest(tmp_path / "models" / "a")
    assert json.loads((version.path / CARD).read_text())["version"] == 1


def test_a_model_that_is_a_version_is_not_pushed_again(url, made):
    push(made("a"), url, {})
    push(made("b"), url, {})
    assert push(made("a"), url, {}) == (1, False)
    assert (numbers(url), live(url)) == ([1, 2], 2)


def test_promotions_rollbacks_and_deletions(url, made):
    for name in "abcde":
        push(made(name), url, {})
    assert promote(url, 2) == 5
    assert (live(url), previous(url)) == (2, 5)
    assert expire(url, 1) == [1, 3, 4]
    assert (numbers(url), order(url)) == ([2, 5], [2, 5])
    files = {each.key.split("/")[3] for each in sizes(url / "files")}
    assert len(files) == 2
    assert rollback(url) == (2, 5)
    with pytest.raises(WrongInput, match="no previous version"):
        rollback(url)
        rollback(url)
    with pytest.raises(WrongInput, match=r"version 3 not found \(existing: 2, 5\)"):
        promote(url, 3)
    assert push(made("f"), url, {}) == (6, True)
    assert live(url) == 6


def test_a_push_that_is_killed_at_any_request_is_seen_whole_or_not_at_all(faults, url, made):
    push(made("old"), url, {})
    new, at, pushed = made("new"), 0, False
    while not pushed:
        at += 1
        command = [sys.executable, "-c", PUSH, new, str(url)]
        child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        faults.seen.clear()
        faults.kill = (at, child.pid)
        out, _ = child.communicate(timeout=120)
        faults.kill = None
        there = numbers(url)
        assert there in ([1], [1, 2])
        pushed = there == [1, 2]
        for version in versions(url):
            fetch(url, version)
            assert whole(version.path)
        # As if its time were over.
        objects.delete(url / "lease")
        assert child.returncode == (0 if out else -signal.SIGKILL)
    assert at > 10
    assert push(new, url, {}) == (2, False)
    left = {each.key.split("/")[3] for each in sizes(url / "files")}
    assert len(left) > 2


@pytest.mark.parametrize(
    ("change", "before", "after"),
    [
        ("from beltline.versions.retention import expire; expire(url, 1)", [1, 2, 3], [2, 3]),
        ("from beltline.versions.live import promote; promote(url, 1)", 3, 1),
    ],
)
def test_a_change_that_is_killed_at_any_request(faults, url, made, change, before, after):
    """What is listed is whole, and the change is there or not."""
    for name in "abc":
        push(made(name), url, {})
    script = (
        "import sys; from beltline.storage.url import parse; url = parse(sys.argv[1])\n"
        f"{change}\nprint('done')"
    )
    seen, at, out = [], 0, ""
    while not out:
        at += 1
        child = subprocess.Popen(
            [sys.executable, "-c", script, str(url)], stdout=subprocess.PIPE, text=True
        )
        faults.seen.clear()
        faults.kill = (at, child.pid)
        out, _ = child.communicate(timeout=120)
        faults.kill = None
        for version in versions(url):
            fetch(url, version)
            assert whole(version.path)
        seen.append(numbers(url) if isinstance(before, list) else live(url))
        objects.delete(url / "lease")
    assert at > 5
    assert seen[0] == before
    assert seen[-1] == after
    assert [each for each in seen if each not in (before, after)] == []


def test_files_of_killed_pushes_are_deleted_after_a_day(url, made, monkeypatch):
    push(made("a"), url, {})
    now = int(time.time())
    young, old = f"{now - 80_000}-ab", f"{now - 90_000}-ab"
    for each in (young, old, "foreign"):
        objects.write(url / "files" / each / "x", b"")
    expire(url, 10)
    left = {each.name for each in objects.prefixes(url / "files")}
    assert {young, "foreign"} < left
    assert old not in left


def test_readers_see_whole_versions_while_others_push(url, made):
    stop, seen, wrong = threading.Event(), set(), []

    def read():
        while not stop.is_set():
            try:
                for number in order(url)[:1]:
                    version = find(url, number)
                    fetch(url, version)
                    assert whole(version.path)
                    seen.add(number)
            except BaseException as error:
                wrong.append(error)

    reader = threading.Thread(target=read)
    reader.start()
    try:
        for name in "abcdef":
            push(made(name), url, {})
            expire(url, 2)
    finally:
        time.sleep(0.5)
        stop.set()
        reader.join(60)
    assert not wrong
    assert {5, 6} & seen


def test_concurrent_pushes_get_different_numbers(url, made):
    children = [
        subprocess.Popen([sys.executable, "-c", PUSH, made(name), str(url)], stdout=subprocess.PIPE)
        for name in "abc"
    ]
    out = sorted(child.communicate(timeout=120)[0] for child in children)
    assert out == [b"(1, True)\n", b"(2, True)\n", b"(3, True)\n"]
    assert numbers(url) == [1, 2, 3]


def test_concurrent_pushes_of_one_model_make_one_version(url, made):
    command = [sys.executable, "-c", PUSH, made("a"), str(url)]
    children = [subprocess.Popen(command, stdout=subprocess.PIPE) for _ in range(3)]
    out = sorted(child.communicate(timeout=120)[0] for child in children)
    assert out == [b"(1, False)\n", b"(1, False)\n", b"(1, True)\n"]
    assert numbers(url) == [1]


def test_no_number_is_given_twice(url, made):
    push(made("a"), url, {})
    push(made("b"), url, {})
    store = remote.RemoteVersions(url)
    with store.locked():
        store.remove([2])
    assert push(made("c"), url, {}) == (3, True)


@pytest.mark.parametrize("kind", ["busy", "cut"])
def test_a_push_through_faults(faults, url, made, kind):
    getattr(faults, kind).update({"PUT": 4, "POST": 2, "GET": 2, "HEAD": 2})
    assert push(made("a"), url, {}) == (1, True)
    assert set(getattr(faults, kind).values()) == {0}
    version = find(url, 1)
    fetch(url, version)
    assert whole(version.path)


def test_a_push_into_a_store_that_fails_changes_nothing(faults, url, made):
    push(made("a"), url, {})
    faults.cut["PUT"] = 1000
    with pytest.raises(StoreError, match="can't be reached"):
        push(made("b"), url, {})
    faults.cut.clear()
    assert (numbers(url), live(url)) == ([1], 1)
    assert push(made("b"), url, {}) == (2, True)


def test_listings_that_lag_change_nothing(faults, url, made):
    faults.lag = True
    expire(url, 1)
    for name in "abc":
        push(made(name), url, {})
        assert expire(url, 1) == ([1] if name == "c" else [])
    assert faults.listings
    assert (numbers(url), live(url)) == ([2, 3], 3)
    for version in versions(url):
        fetch(url, version)
        assert whole(version.path)


@pytest.mark.parametrize("name", FILES)
def test_a_changed_or_missing_file_is_noticed(url, made, name):
    push(made("a"), url, {})
    version = find(url, 1)
    [file] = [each for each in sizes(url) if each.key.endswith(name)]
    content = objects.read(file)
    objects.write(file, content[:-1] + b"x")
    with pytest.raises(BrokenVersion, match="not what was pushed"):
        fetch(url, version)
    objects.delete(file)
    with pytest.raises(BrokenVersion, match="missing"):
        fetch(url, version)
    assert not version.path.exists()
    objects.write(file, content)
    fetch(url, version)
    assert whole(version.path)


@pytest.mark.parametrize("text", ["", "[]", "{", '{"last": 1}', '{"last": "x", "versions": {}}'])
def test_an_index_that_is_not_ours_is_not_replaced(url, made, text):
    objects.write(url / "versions.json", text.encode())
    for call in (lambda: push(made("a"), url, {}), lambda: promote(url, 1), lambda: live(url)):
        with pytest.raises(WrongInput, match=r"versions.json: not an index of versions"):
            call()
    assert objects.read(url / "versions.json") == text.encode()


@pytest.mark.parametrize("name", ["../up", "/etc/x", ""])
def test_a_manifest_can_write_nowhere_else(url, made, name):
    push(made("a"), url, {})
    [manifest] = [each for each in sizes(url) if each.name == "push.json"]
    described = {"size": 0, "sha256": ""}
    objects.write(manifest, json.dumps({"card": {}, "files": {name: described}}).encode())
    remote._manifest.cache_clear()
    with pytest.raises(BrokenVersion, match="not a manifest"):
        fetch(url, find(url, 1))


def test_the_cache_has_a_bound(url, made, tmp_path, monkeypatch):
    monkeypatch.setenv(cache.MEGABYTES, "1")
    for number in range(1, 7):
        push(model(tmp_path / str(number), str(number), size=300_000), url, {})
        fetch(url, find(url, number))
    there = [each.number for each in versions(url) if each.path.exists()]
    assert there == [4, 5, 6]
