import json

import pytest

from tests.runners.tracking.runs import EVERY


def test_a_run_that_pushed(story):
    ended = story.pushed().ended()
    assert (ended.event, ended.text) == ("pushed", "line, run r1: done; version 7 is live")
    found = ended.as_json()
    assert {key: found[key] for key in ("pipeline", "run", "state", "version", "reason")} == {
        **{"pipeline": "line", "run": "r1", "state": "done", "version": "7", "reason": ""}
    }
    assert [node["node"] for node in found["nodes"]] == EVERY
    assert json.loads(json.dumps(found, allow_nan=False)) == found


def test_a_refusal_has_its_reason_and_the_version_that_stays(story):
    version = story.root / "served/line/6"
    version.mkdir(parents=True)
    (version / "saved_model.pb").write_text("")
    ended = story.refused("température: <too cold>").ended()
    assert (ended.event, ended.result.node) == ("refused", "DataGate")
    assert ended.text == (
        "line, run r1: DataGate refused: température: <too cold>; version 6 stays live"
    )


def test_a_failure(story):
    ended = story.failed().ended()
    assert (ended.event, ended.text) == ("failed", "line, run r1: Trainer failed: no memory")


def test_a_push_of_what_is_there_is_no_event(story):
    for node in EVERY[:-1]:
        story.ledger.node("r1", node)
    there = {"pushed": 0, "pushed_version": "3", "reason": "it is version 3 already"}
    story.ledger.node("r1", "Pusher", outputs={"pushed_model": ("PushedModel", there)})
    ended = story.ended()
    assert (ended.event, ended.text) == ("", "line, run r1: done; no new version")


def test_a_version_that_waits_is_an_event_of_its_own(story):
    for node in EVERY[:-1]:
        story.ledger.node("r1", node)
    held = {"pushed": 0, "waiting_version": "3", "reason": "version 3 waits for approval"}
    story.ledger.node("r1", "Pusher", outputs={"pushed_model": ("PushedModel", held)})
    ended = story.ended()
    assert (ended.event, ended.text) == (
        "waiting",
        "line, run r1: done; version 3 waits for approval",
    )
    assert (ended.as_json()["waiting"], ended.as_json()["version"]) == ("3", "")


@pytest.mark.parametrize("started", [0, 2])
def test_a_node_that_never_came_is_a_failure(story, started):
    """ML Metadata knows of no failure then."""
    for node in EVERY[:started]:
        story.ledger.node("r1", node)
    found = story.ended().as_json()
    assert (found["event"], found["state"]) == ("failed", "failed")
    assert (found["node"], found["reason"]) == (EVERY[started], "it never came")
