"""Versions that wait for approval, in a folder and in an object store."""

import json
import multiprocessing
import signal

import pytest

from beltline.base.errors import WrongInput
from beltline.storage import lease, objects
from beltline.versions import local, remote, tensorflow_serving
from beltline.versions.approval import approve, reject, waits
from beltline.versions.decisions import Decision, added, parsed, plain
from beltline.versions.folder import fetch, find, numbers, waiting
from beltline.versions.live import LiveChanged, live, previous, promote, rollback
from beltline.versions.push import Held, hold, push
from beltline.versions.retention import expire
from beltline.versions.store import store_of
from tests.versions.pushed import IN_STORE, die_at, leftovers, model, whole

FORK = multiprocessing.get_context("fork")


@pytest.fixture
def made(tmp_path):
    return lambda name: model(tmp_path / "models" / name, name)


def decision(place, number):
    return store_of(place).state().decisions[number]


def test_a_held_version_waits_and_then_is_live_under_its_number(place, made):
    push(made("a"), place, {})
    assert hold(made("b"), place, {"run": "r2"}) == Held(2, True, "waiting")
    assert (numbers(place), live(place), find(place, 2)) == ([1], 1, None)
    held = waiting(place)
    assert (held.number, held.run) == (2, "r2")
    assert approve(place, 2, "ann", "looks good")
    assert (numbers(place), live(place), previous(place), waiting(place)) == ([1, 2], 2, 1, None)
    version = find(place, 2)
    fetch(place, version)
    assert version.run == "r2" and whole(version.path)
    found = decision(place, 2)
    assert (found.verdict, found.by, found.note) == ("approved", "ann", "looks good")
    assert found.digest == version.digest and found.at
    # Neither a push nor a rollback knows the difference.
    assert push(made("c"), place, {}) == (3, True)
    assert rollback(place) == (3, 2)


def test_who_saw_another_version_live_approves_nothing(place, made):
    for name in "ab":
        push(made(name), place, {})
    hold(made("c"), place, {})
    rollback(place)
    with pytest.raises(LiveChanged, match="version 1 is live now"):
        approve(place, 3, seen=(2, 1))
    assert (live(place), waiting(place).number) == (1, 3)
    assert approve(place, 3, seen=(1,))
    assert live(place) == 3


def test_the_first_version_waits_too(place, made):
    assert hold(made("a"), place, {}) == Held(1, True, "waiting")
    assert live(place) is None
    assert approve(place, 1)
    assert live(place) == 1


def test_an_approved_version_is_approved_again_without_a_change(place, made):
    for name in "ab":
        hold(made(name), place, {})
        approve(place, live(place) + 1 if live(place) else 1)
    rollback(place)
    assert not approve(place, 2)
    assert live(place) == 1


def test_a_rejected_version_is_deleted_and_its_model_not_held_again(place, made):
    push(made("a"), place, {})
    hold(made("b"), place, {})
    assert reject(place, 2, "ann")
    assert not reject(place, 2)
    assert (numbers(place), waiting(place)) == ([1], None)
    assert hold(made("b"), place, {}) == Held(2, False, "rejected")
    assert hold(made("c"), place, {}) == Held(3, True, "waiting")
    with pytest.raises(WrongInput, match=r"2 was rejected by ann \(.*; version 3 waits"):
        approve(place, 2)
    # Who no longer asks for approval gets the model.
    assert push(made("b"), place, {}) == (4, True)


@pytest.mark.parametrize("later", [hold, push])
def test_a_later_version_takes_the_place_of_the_one_that_waits(place, made, later):
    push(made("a"), place, {})
    hold(made("b"), place, {})
    later(made("c"), place, {})
    assert store_of(place).state().waiting == (3 if later is hold else None)
    for decide in (approve, reject):
        with pytest.raises(WrongInput, match="version 2 was superseded by version 3"):
            decide(place, 2)
    # It was never rejected.
    assert hold(made("b"), place, {}) == Held(4, True, "waiting")


def test_a_known_model_is_not_held(place, made):
    push(made("a"), place, {})
    hold(made("b"), place, {})
    assert hold(made("b"), place, {}) == Held(2, False, "waiting")
    assert hold(made("a"), place, {}) == Held(1, False, "pushed")
    assert waiting(place).number == 2


def test_retention_and_a_rollback_leave_the_one_that_waits(place, made):
    for name in "abcd":
        push(made(name), place, {})
    hold(made("e"), place, {})
    rollback(place)
    assert expire(place, 1) == [1]
    assert waiting(place).number == 5
    # The live version is an older one than it was compared with.
    assert approve(place, 5)
    assert (live(place), previous(place)) == (5, 3)


def test_a_version_that_was_not_compared_with_the_live_one_is_refused(place, made):
    for name in "ab":
        push(made(name), place, {})
    rollback(place)
    hold(made("c"), place, {})
    promote(place, 2)
    with pytest.raises(WrongInput, match=r"held while version 1 was live; version 2 is live now"):
        approve(place, 3)
    assert (live(place), waiting(place).number) == (2, 3)
    # The same model is held anew, once it has been compared with what is live.
    assert not waits(place, 3)
    assert hold(made("c"), place, {}) == Held(4, True, "waiting")
    assert waits(place, 4) and not waits(place, 3)
    assert hold(made("c"), place, {}) == Held(4, False, "waiting")
    rollback(place)
    assert approve(place, 4)


@pytest.mark.parametrize("decide", [approve, reject])
def test_what_does_not_wait_is_refused(place, made, decide):
    with pytest.raises(WrongInput, match="version 1 not found; no version waits"):
        decide(place, 1)
    push(made("a"), place, {})
    with pytest.raises(WrongInput, match="version 1 was pushed already"):
        decide(place, 1)
    hold(made("b"), place, {})
    for number in (0, -2, 3, 10**30):
        with pytest.raises(WrongInput, match=r"not found; version 2 waits for approval"):
            decide(place, number)


def test_an_approved_version_that_was_deleted_is_named_as_such(place, made):
    for number, name in enumerate("abc", 1):
        hold(made(name), place, {})
        approve(place, number)
    assert expire(place, 1) == [1]
    with pytest.raises(WrongInput, match=r"version 1 was approved .* and deleted since"):
        approve(place, 1)


def test_no_number_is_given_twice(place, made):
    hold(made("a"), place, {})
    if place is not IN_STORE:
        (place / ".last-version").unlink()
    hold(made("b"), place, {})
    reject(place, 2)
    assert push(made("c"), place, {}) == (3, True)


def test_what_others_wrote_is_no_decision(place, made):
    hold(made("a"), place, {})
    reject(place, 1)
    odd = {"x": {}, "2": {"verdict": "maybe"}, "3": [], "4": {"verdict": "approved", "by": 5}}
    if place is IN_STORE:
        index = json.loads(objects.read(IN_STORE / "versions.json"))
        objects.write(IN_STORE / "versions.json", json.dumps({**index, "decisions": odd}).encode())
    else:
        (place / "approvals.json").write_text(json.dumps(odd))
    assert store_of(place).state().decisions == {}
    assert hold(made("a"), place, {}).standing == "waiting"


def test_an_index_of_an_older_beltline_is_read(memory, made, monkeypatch):
    monkeypatch.setattr(lease, "SETTLE", 0.01)
    push(made("a"), IN_STORE, {})
    index = json.loads(objects.read(IN_STORE / "versions.json"))
    del index["waiting"], index["decisions"]
    objects.write(IN_STORE / "versions.json", json.dumps(index).encode())
    assert (live(IN_STORE), waiting(IN_STORE)) == (1, None)


def test_only_the_files_of_what_is_listed_stay_in_the_store(memory, made, monkeypatch):
    monkeypatch.setattr(lease, "SETTLE", 0.01)
    for name in "abc":
        hold(made(name), IN_STORE, {})
    reject(IN_STORE, 3)
    assert not [each for each in memory.store if "/files/" in each]


def test_the_files_of_a_version_that_waits_for_days_stay_in_the_store(memory, made, monkeypatch):
    monkeypatch.setattr(lease, "SETTLE", 0.01)
    monkeypatch.setattr(remote, "_ABANDONED_SECONDS", -10)
    push(made("a"), IN_STORE, {})
    hold(made("b"), IN_STORE, {})
    expire(IN_STORE, 1)
    approve(IN_STORE, 2)
    fetch(IN_STORE, find(IN_STORE, 2))


def test_the_decisions_on_the_oldest_versions_are_dropped():
    made = {}
    for number in range(1, 151):
        made = added(made, number, Decision("rejected", f"d{number}"))
    assert list(made) == list(range(51, 151))
    assert parsed(json.loads(json.dumps(plain(made)))) == made


def configured(place):
    return (place / "serving.config").read_text().rpartition("versions:")[2].split()[0]


def test_an_approval_that_was_killed_in_between_is_finished_by_the_next(
    tmp_path, made, monkeypatch
):
    place = tmp_path / "parts"
    push(made("a"), place, {})
    hold(made("b"), place, {})
    for module, name in ((local, "publish"), (tensorflow_serving, "follow")):
        with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
            patch.setattr(module, name, interrupt)
            approve(place, 2)
        assert live(place) == (1 if module is local else 2) and configured(place) == "1"
        assert store_of(place).state().waiting == (2 if module is local else None)
    assert not approve(place, 2)
    assert (live(place), configured(place)) == (2, "2")


def interrupt(*args):
    raise KeyboardInterrupt


@pytest.mark.parametrize("later", [hold, push])
def test_a_hold_that_was_killed_leaves_one_that_waits(tmp_path, made, monkeypatch, later):
    place = tmp_path / "parts"
    push(made("a"), place, {})
    hold(made("b"), place, {})
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(local.LocalVersions, "decide", interrupt)
        later(made("c"), place, {})
    assert store_of(place).state().waiting == (3 if later is hold else None)
    assert (place / ".waiting-2").is_dir()
    hold(made("d"), place, {})
    assert set(leftovers(place)) == {"approvals.json", ".waiting-4"}


@pytest.mark.slow
def test_a_command_that_was_killed_at_any_step_is_finished_by_the_next(tmp_path, made):
    """Each step is a process of its own, and so are the folders: half a minute of flushing."""
    for step in range(1, 200):
        place = tmp_path / str(step) / "parts"
        push(made("a"), place, {})
        hold(made("b"), place, {})
        killed = killed_at(step, hold_and_approve, made("c"), place)
        assert live(place) in (1, 3) and whole(place / str(live(place)))
        # Of a push that was killed the number may be lost.
        number = hold(made("c"), place, {}).number
        assert number in (3, 4)
        approve(place, number)
        assert (numbers(place), live(place), configured(place)) == (
            [1, number],
            number,
            f"{number}",
        )
        last = hold(made("d"), place, {}).number
        assert set(leftovers(place)) == {"approvals.json", f".waiting-{last}"}
        if not killed:
            break
    assert step > 30


def hold_and_approve(source, place):
    approve(place, hold(source, place, {}).number)


def killed_at(step, call, *args):
    """Returns whether a process that makes the call was killed at that step."""

    def run():
        die_at(step)
        call(*args)

    child = FORK.Process(target=run)
    child.start()
    child.join(60)
    return child.exitcode == -signal.SIGKILL
