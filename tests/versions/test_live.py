"""Which version is live, after any order of pushes, promotions, rollbacks and deletions."""

import json
import multiprocessing
import os
import shutil

import pytest
from google.protobuf import text_format
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tensorflow_serving.config import model_server_config_pb2

from beltline.base.errors import WrongInput
from beltline.versions.live import LiveChanged, live, order, previous, promote, rollback
from beltline.versions.push import push
from beltline.versions.retention import expire
from tests.versions.pushed import die_at

FORK = multiprocessing.get_context("fork")


def push_one(folder, number):
    """Pushes the model that becomes version `number`."""
    model = folder.parent / f"model{number}"
    model.mkdir(exist_ok=True)
    (model / "saved_model.pb").write_text(f"model {number}")
    assert push(model, folder, {}) == (number, True)


@pytest.fixture
def folder(tmp_path):
    """Three pushed versions."""
    for number in (1, 2, 3):
        push_one(tmp_path / "line", number)
    return tmp_path / "line"


def follows(folder):
    """The version that TensorFlow Serving is configured to serve."""
    text = (folder / "serving.config").read_text()
    config = text_format.Parse(text, model_server_config_pb2.ModelServerConfig())
    [model] = config.model_config_list.config
    assert (model.name, model.base_path) == ("line", str(folder))
    assert model.model_platform == "tensorflow"
    [version] = model.model_version_policy.specific.versions
    return version


def test_the_last_push_is_live(folder):
    assert (live(folder), previous(folder), order(folder)) == (3, 2, [3, 2, 1])
    assert follows(folder) == 3
    assert not (folder / "live.json").exists()


def test_who_saw_another_version_live_changes_nothing(folder):
    assert promote(folder, 1, seen=(3, 2)) == 3
    for act in (lambda: promote(folder, 2, seen=(3, 2)), lambda: rollback(folder, seen=(3, 2))):
        with pytest.raises(LiveChanged, match="version 1 is live and version 3 is the previous"):
            act()
    assert order(folder)[:2] == [1, 3]
    assert rollback(folder, seen=(1, 3)) == (1, 3)
    # The live version is the same, but not the one that a rollback goes to.
    promote(folder, 1)
    promote(folder, 3)
    with pytest.raises(LiveChanged):
        rollback(folder, seen=(3, 2))
    assert live(folder) == 3


def test_promote_and_rollback(folder):
    assert promote(folder, 1) == 3
    assert (live(folder), previous(folder), follows(folder)) == (1, 3, 1)
    assert rollback(folder) == (1, 3)
    assert (live(folder), previous(folder), follows(folder)) == (3, 2, 3)
    assert rollback(folder) == (3, 2)
    assert rollback(folder) == (2, 1)
    with pytest.raises(WrongInput, match=r"version 1 is live, and there is no previous version"):
        rollback(folder)
    assert (live(folder), order(folder), follows(folder)) == (1, [1], 1)


def test_promoting_the_live_version_only_rewrites_serving_config(folder):
    (folder / "serving.config").unlink()
    assert promote(folder, 3) == 3
    assert follows(folder) == 3
    assert not (folder / "live.json").exists()
    assert rollback(folder) == (3, 2)


def test_a_push_after_a_promotion_is_live(folder):
    promote(folder, 1)
    push_one(folder, 4)
    assert (live(folder), previous(folder), follows(folder)) == (4, 1, 4)
    assert rollback(folder) == (4, 1)
    assert rollback(folder) == (1, 3)


def test_a_model_that_is_pushed_again_stays_rolled_back(folder, tmp_path):
    rollback(folder)
    assert push(tmp_path / "model3", folder, {}) == (3, False)
    assert (live(folder), follows(folder)) == (2, 2)


def test_a_version_that_another_tool_copied_there_is_live(folder):
    promote(folder, 1)
    shutil.copytree(folder / "2", folder / "1700000000")
    assert live(folder) == 1700000000


def test_deleted_versions_are_skipped(folder):
    promote(folder, 1)
    shutil.rmtree(folder / "1")
    assert (live(folder), previous(folder)) == (3, 2)
    shutil.rmtree(folder / "3")
    assert rollback_is_refused(folder)
    assert live(folder) == 2


def rollback_is_refused(folder):
    with pytest.raises(WrongInput, match="version 2 is live, and there is no previous version"):
        rollback(folder)
    return True


def test_nothing_can_be_promoted_before_a_push(tmp_path):
    assert (live(tmp_path), previous(tmp_path), order(tmp_path / "none")) == (None, None, [])
    with pytest.raises(WrongInput, match="no version has been pushed yet"):
        rollback(tmp_path / "none")
    with pytest.raises(WrongInput, match=r"version 1 not found \(none pushed yet\)"):
        promote(tmp_path / "none", 1)
    assert not (tmp_path / "none").exists()


def test_an_unknown_version_can_not_be_promoted(folder):
    with pytest.raises(WrongInput, match=r"version 7 not found \(existing: 1, 2, 3\)"):
        promote(folder, 7)
    assert live(folder) == 3


@pytest.mark.parametrize("text", ["", "{", "[]", "3", '{"history": 3, "seen": 1}', '{"seen": "x"}'])
def test_an_invalid_record_is_ignored(folder, text):
    (folder / "live.json").write_text(text)
    assert (live(folder), previous(folder)) == (3, 2)
    assert promote(folder, 2) == 3
    assert live(folder) == 2


class Believed:
    """What a person would say is live: a stack of what was, the top being live."""

    def __init__(self):
        self.stack, self.there, self.last = [], set(), 0

    def push(self):
        self.last += 1
        self.stack.append(self.last)
        self.there.add(self.last)

    def promote(self, number):
        if self.live() != number:
            self.stack.append(number)

    def rollback(self):
        now = self.live()
        while self.stack and (self.stack[-1] == now or self.stack[-1] not in self.there):
            self.stack.pop()

    def live(self):
        return next((number for number in reversed(self.stack) if number in self.there), None)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(st.tuples(st.sampled_from("uuprd"), st.integers(0, 9)), max_size=14))
def test_any_order_of_changes(tmp_path_factory, steps):
    folder, believed = tmp_path_factory.mktemp("any") / "line", Believed()
    for step, choice in steps:
        there = sorted(believed.there)
        number = there[choice % len(there)] if there else None
        others = [each for each in believed.stack if each in there and each != believed.live()]
        if step == "u":
            push_one(folder, believed.last + 1)
            believed.push()
        elif step == "p" and number:
            promote(folder, number)
            believed.promote(number)
        elif step == "r" and others:
            rollback(folder)
            believed.rollback()
        elif step == "d" and number and number != believed.live():
            shutil.rmtree(folder / str(number))
            believed.there.discard(number)
        assert live(folder) == believed.live()


def choose_often(folder, numbers):
    for number in numbers:
        promote(folder, number)


def test_concurrent_promotions_leave_a_valid_record(folder):
    numbers = [(each % 3) + 1 for each in range(40)]
    children = [FORK.Process(target=choose_often, args=(folder, numbers[n:])) for n in range(3)]
    for child in children:
        child.start()
    seen = set()
    while any(child.is_alive() for child in children):
        seen.add(live(folder))
        json.loads((folder / "live.json").read_text() if (folder / "live.json").exists() else "{}")
    assert [child.exitcode for child in children] == [0, 0, 0]
    assert seen <= {1, 2, 3}
    assert follows(folder) == live(folder)


def promote_and_die(folder, number, step):
    die_at(step)
    promote(folder, number)
    os._exit(0)


def test_a_promotion_that_is_killed_at_any_step_is_atomic(folder):
    seen = set()
    for step in range(1, 60):
        (folder / "live.json").unlink(missing_ok=True)
        child = FORK.Process(target=promote_and_die, args=(folder, 1, step))
        child.start()
        child.join(60)
        seen.add((live(folder), previous(folder)))
        if child.exitcode == 0:
            break
    assert seen == {(3, 2), (1, 3)}
    assert step > 5
    assert follows(folder) == 1
    assert rollback(folder) == (1, 3)


def test_retention_keeps_the_live_the_previous_and_the_newest_versions(folder):
    for number in (4, 5, 6, 7):
        push_one(folder, number)
    promote(folder, 3)
    promote(folder, 1)
    assert expire(folder, 2) == [2, 4, 5]
    assert (live(folder), previous(folder)) == (1, 3)
    assert sorted(entry.name for entry in folder.iterdir() if entry.is_dir()) == list("1367")
    assert expire(folder, 2) == []
    assert rollback(folder) == (1, 3)


def test_leftovers_of_a_killed_deletion_are_removed(folder):
    (folder / "1").rename(folder / ".gone-1")
    assert live(folder) == 3
    expire(folder, 10)
    assert not (folder / ".gone-1").exists()
    push_one(folder, 4)
