"""The folder of versions: whole or not there, whatever happens in between."""

import json
import multiprocessing
import os
import re
import resource
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from beltline.base import files as locking
from beltline.versions import local_push
from beltline.versions.folder import CARD, CHECK_ROWS, find, model_digest
from beltline.versions.push import push
from tests.versions.pushed import FILES, leftovers, model, numbers, state, whole

FORK = multiprocessing.get_context("fork")


def test_a_version_is_the_model_with_its_card(tmp_path):
    answers = tmp_path / "answers.json"
    answers.write_text("{}")
    extra = {CHECK_ROWS: answers}
    served = tmp_path / "deep" / "served"
    source = model(tmp_path / "model")
    assert push(source, served, {"run": "r1"}, extra) == (1, True)
    assert all((served / "1" / name).read_bytes() == (source / name).read_bytes() for name in FILES)
    card = json.loads((served / "1" / CARD).read_text())
    assert card == {"run": "r1", "version": 1, "digest": model_digest(source)}
    assert (served / "1" / CHECK_ROWS).read_text() == "{}"
    assert whole(served / "1")
    # Other users may read it: TF Serving rarely runs as the one who trains.
    assert (served / "1").stat().st_mode & 0o777 == 0o755
    assert leftovers(served) == []


def test_the_same_model_is_one_version_however_often_it_is_pushed(tmp_path):
    served = tmp_path / "served"
    assert push(model(tmp_path / "a"), served, {"run": "1"}) == (1, True)
    assert push(model(tmp_path / "b", "two"), served, {}) == (2, True)
    before = state(served)
    copied = shutil.copytree(tmp_path / "a", tmp_path / "c")
    (copied / "assets.extra").mkdir()
    (copied / "assets.extra" / "note").write_text("of no account")
    os.utime(copied / "saved_model.pb", (1, 1))
    assert push(copied, served, {"run": "3"}) == (1, False)
    assert state(served) == before


def test_a_file_under_another_name_is_another_model(tmp_path):
    (model(tmp_path / "a") / "assets/words.txt").rename(tmp_path / "a" / "assets/other.txt")
    assert model_digest(tmp_path / "a") != model_digest(model(tmp_path / "b"))


def test_numbers_are_never_reused(tmp_path):
    served = tmp_path / "served"
    for name in ("one", "two", "three"):
        push(model(tmp_path / name, name), served, {})
    shutil.rmtree(served / "3")
    shutil.rmtree(served / "2")
    # The model of a deleted version is a new version.
    assert push(tmp_path / "two", served, {}) == (4, True)
    for number in numbers(served):
        shutil.rmtree(served / str(number))
    assert push(tmp_path / "two", served, {}) == (5, True)


@pytest.mark.parametrize("content", [None, "", "nonsense"])
def test_a_lost_counter_gives_a_number_above_all_existing_ones(tmp_path, content):
    served = tmp_path / "served"
    (served / "41").mkdir(parents=True)
    if content is not None:
        (served / ".last-version").write_text(content)
    assert push(model(tmp_path / "m"), served, {}) == (42, True)


def test_other_files_in_the_folder_are_kept(tmp_path):
    served = tmp_path / "served"
    (served / "notes").mkdir(parents=True)
    (served / "7").mkdir()
    (served / "8").mkdir()
    (served / "8" / "assets.extra").mkdir()
    (served / "8" / CARD).write_text("no json")
    assert push(model(tmp_path / "m"), served, {}) == (9, True)
    assert (served / "notes").is_dir()


def test_leftovers_of_killed_pushes_are_removed(tmp_path):
    served = tmp_path / "served"
    model(served / ".staged-killed")
    push(model(tmp_path / "m"), served, {})
    assert leftovers(served) == []


@pytest.mark.parametrize(
    "card",
    ["[]", "null", '"text"', "7", '{"digest": 5}', "[" * 100_000, "\ufeff{}", '{"digest": null}'],
    ids=lambda card: card[:15],
)
def test_a_card_of_another_form_is_no_hindrance(tmp_path, card):
    served = tmp_path / "served"
    push(model(tmp_path / "a"), served, {})
    (served / "1" / CARD).write_text(card)
    assert push(tmp_path / "a", served, {}) == (2, True)
    assert find(served, 1).digest == ""


def push_with_little_room(source, served, room, queue):
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, room))
    try:
        push(source, served, {"run": "r"})
        queue.put("pushed")
    except OSError as error:
        queue.put(str(error))


@pytest.mark.parametrize("room", [0, 10, 5000])
def test_a_failed_write_leaves_the_folder_unchanged(tmp_path, room):
    """A limit on the size of files stands for the full disk: the same OSError, at a write."""
    served = tmp_path / "served"
    push(model(tmp_path / "one", size=100), served, {})
    before = state(served)
    source = model(tmp_path / "two", "two", size=20_000)
    queue = FORK.SimpleQueue()
    child = FORK.Process(target=push_with_little_room, args=(source, served, room, queue))
    child.start()
    assert "File too large" in queue.get()
    child.join(60)
    assert state(served) == before
    assert leftovers(served) == []
    assert push(source, served, {}) == (2, True)


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 256 KiB."""
    place = tmp_path / "disk"
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(place)]
    if os.geteuid() or subprocess.run(command, capture_output=True).returncode:
        pytest.skip("only root can mount a small disk")
    yield place
    subprocess.run(["umount", str(place)], check=True)


def test_a_full_disk_leaves_the_folder_unchanged(small_disk, tmp_path):
    served = small_disk / "served"
    push(model(tmp_path / "one"), served, {})
    before = state(served)
    with pytest.raises(OSError, match="No space left"):
        push(model(tmp_path / "two", "two", size=200_000), served, {})
    assert state(served) == before
    assert leftovers(served) == []
    assert push(model(tmp_path / "three", "three"), served, {}) == (2, True)


def test_a_missing_model_is_not_pushed(tmp_path):
    with pytest.raises(FileNotFoundError):
        push(tmp_path / "nowhere", tmp_path / "served", {})
    (tmp_path / "empty").mkdir()
    with pytest.raises(FileNotFoundError):
        push(tmp_path / "empty", tmp_path / "served", {})
    assert not (tmp_path / "served").exists()


def push_several(folder, served, who, queue):
    for each in range(4):
        source = model(folder / f"{who}-{each}", f"{who} {each}")
        queue.put(push(source, served, {"who": who, "each": each}))


def test_concurrent_pushes_get_different_numbers(tmp_path):
    served, queue = tmp_path / "served", FORK.SimpleQueue()
    children = [
        FORK.Process(target=push_several, args=(tmp_path, served, who, queue)) for who in range(4)
    ]
    for child in children:
        child.start()
    got = [queue.get() for _ in range(16)]
    for child in children:
        child.join(60)
    assert sorted(got) == [(number, True) for number in range(1, 17)]
    cards = [json.loads((served / str(number) / CARD).read_text()) for number in numbers(served)]
    assert all(whole(served / str(number)) for number in range(1, 17))
    for who in range(4):
        # One after the other, each pusher's numbers grow.
        assert [card["each"] for card in cards if card["who"] == who] == [0, 1, 2, 3]


def test_concurrent_pushes_of_one_model_make_one_version(tmp_path):
    served, queue = tmp_path / "served", FORK.SimpleQueue()
    source = model(tmp_path / "m", size=100_000)
    children = [FORK.Process(target=lambda: queue.put(push(source, served, {}))) for _ in range(6)]
    for child in children:
        child.start()
    assert sorted(queue.get() for _ in children) == [(1, False)] * 5 + [(1, True)]
    for child in children:
        child.join(60)
    assert numbers(served) == [1]


READER = """
import json, sys, time
from pathlib import Path
from beltline.versions.folder import CARD, model_digest
served, stop = Path(sys.argv[1]), Path(sys.argv[2])
seen, looks = set(), 0
print("ready", flush=True)
while True:
    last = stop.exists()
    for entry in served.iterdir():
        if entry.name.isdecimal():
            looks += 1
            card = json.loads((entry / CARD).read_text())
            assert card["digest"] == model_digest(entry), entry
            seen.add(entry.name)
    if last:
        break
print(len(seen), looks)
"""


def test_a_concurrent_reader_never_sees_a_partial_version(tmp_path):
    served, stop = tmp_path / "served", tmp_path / "stop"
    served.mkdir()
    reader = subprocess.Popen(
        [sys.executable, "-c", READER, served, stop], stdout=subprocess.PIPE, text=True
    )
    assert reader.stdout.readline() == "ready\n"
    for each in range(12):
        push(model(tmp_path / str(each), str(each), size=200_000), served, {})
        time.sleep(0.01)
    stop.touch()
    out, _ = reader.communicate(timeout=60)
    assert reader.returncode == 0
    seen, looks = map(int, out.split())
    assert seen == 12
    assert looks > 50


def test_everything_is_on_the_disk_before_the_version_is_there(tmp_path, monkeypatch):
    """The order that holds after a power cut: contents, then the name, then the folder."""
    calls = []
    for module in (locking, local_push):
        monkeypatch.setattr(module, "flush", lambda path: calls.append(Path(path).name))
    rename = os.rename
    monkeypatch.setattr(os, "rename", lambda a, b: (calls.append(f"-> {b.name}"), rename(a, b)))
    push(model(tmp_path / "m"), tmp_path / "served", {})
    moved = calls.index("-> 1")
    assert {Path(name).name for name in FILES} | {"version.json"} <= set(calls[:moved])
    assert any(re.match(r"\.staged-", name) for name in calls[:moved])
    # After it, the folder's list of names; then TensorFlow Serving is told.
    assert calls[moved + 1 :] == ["served", "-> serving.config", "served"]
    assert calls.index("serving.config.new") < moved
    assert calls.index(".last-version.new") < calls.index("-> .last-version") < moved
