"""A webhook against a real receiver: what it gets, and that no receiver can make a run fail."""

import json
import socket
import time

import pytest

from beltline.base.settings.tracking import Tracking
from beltline.runners.paths import WEBHOOK
from beltline.runners.tracking import http
from beltline.runners.tracking.webhook import tell_drift
from tests.runners.tracking.runs import EVERY

REPORT = {"name": "line", "version": 4, "alarms": ["temp: skew", "mold: new values"], "rows": 600}


@pytest.mark.parametrize("event", ["pushed", "refused", "failed"])
def test_each_event_is_posted_as_json(story, receiver, event):
    getattr(story, event)()
    assert story.tell(webhook={"url": f"{receiver.url}/hooks/a?b=c"}) == []
    [(path, headers, body)] = receiver.requests
    assert (path, headers["Content-Type"]) == ("/hooks/a?b=c", "application/json")
    assert body == story.ended().as_json() | {"seconds": body["seconds"]}
    assert (body["event"], body["pipeline"], body["run"]) == (event, "line", "r1")


def test_only_the_events_that_are_asked_for(story, receiver):
    story.pushed()
    wanted = {"url": receiver.url, "events": ["failed", "refused"]}
    assert story.tell(webhook=wanted) == []
    assert receiver.requests == []
    story.ledger.node("r1", "Trainer", "FAILED")
    assert story.tell(webhook=wanted) == []
    assert [body["event"] for body in receiver.bodies] == ["failed"]


def test_the_environments_url_wins_and_needs_no_setting(story, receiver, monkeypatch):
    story.pushed()
    monkeypatch.setenv(WEBHOOK, f"{receiver.url}/secret")
    assert story.tell(webhook={"url": "http://127.0.0.1:1/settings"}) == []
    assert story.tell() == []
    assert [path for path, _, _ in receiver.requests] == ["/secret", "/secret"]


def test_without_a_url_it_is_said(story):
    [problem] = story.pushed().tell(webhook={})
    assert problem == (
        "tracking.webhook: run r1 was not reported: it has no URL: set `url`, or "
        "BELTLINE_WEBHOOK where the run ends"
    )


@pytest.mark.parametrize(("statuses", "tries"), [([503], 2), ([503, 503], 2), ([404], 1)])
def test_a_busy_receiver_is_tried_once_more(story, receiver, statuses, tries):
    receiver.statuses = list(statuses)
    problems = story.pushed().tell(webhook={"url": f"{receiver.url}/s3cret"})
    assert len(receiver.requests) == tries
    assert len(problems) == (tries == len(statuses))
    for problem in problems:
        assert f"answered {statuses[-1]}" in problem and "s3cret" not in problem


def test_nobody_there_is_said_without_the_urls_secret(story):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    [problem] = story.pushed().tell(webhook={"url": f"http://127.0.0.1:{port}/s3cret"})
    assert problem == (
        f"tracking.webhook: run r1 was not reported: 127.0.0.1:{port} can't be reached"
    )


def test_credentials_in_the_environments_url_are_sent_and_not_shown(story, receiver, monkeypatch):
    monkeypatch.setenv(WEBHOOK, receiver.url.replace("//", "//me:s3cret@"))
    receiver.statuses = [403]
    [problem] = story.pushed().tell()
    [(_, headers, _)] = receiver.requests
    assert headers["Authorization"].startswith("Basic ")
    assert "127.0.0.1" in problem and "answered 403" in problem and "as told" in problem
    assert "s3cret" not in problem and "me" not in problem.partition("reported")[2].split()


@pytest.mark.parametrize("url", ["hooks", "https://", "http://[::1", "file:///etc/hosts"])
def test_what_is_no_url_is_said(story, monkeypatch, url):
    monkeypatch.setenv(WEBHOOK, url)
    [problem] = story.pushed().tell()
    assert problem.startswith("tracking.webhook: run r1 was not reported: ")


def test_the_end_of_an_answer_is_not_waited_for(story, receiver):
    """A receiver that never ends its answer would hold the run."""
    receiver.endless, receiver.seconds = True, 3
    story.pushed()
    began = time.monotonic()
    assert story.tell(webhook={"url": receiver.url}) == []
    assert time.monotonic() - began < 2


def test_a_receiver_that_does_not_answer_is_left(story, receiver, monkeypatch):
    monkeypatch.setattr(http, "READ_SECONDS", 0.1)
    receiver.seconds = 1
    began = time.monotonic()
    [problem] = story.pushed().tell(webhook={"url": f"{receiver.url}/s3cret"})
    assert "did not answer within 0.1 s" in problem and "s3cret" not in problem
    assert time.monotonic() - began < 5


def test_it_is_not_led_elsewhere(story, receiver):
    receiver.statuses, receiver.headers = [302], {"Location": f"{receiver.url}/elsewhere"}
    [problem] = story.pushed().tell(webhook={"url": receiver.url})
    assert "answered 302" in problem and len(receiver.requests) == 1


def test_drift_is_posted_with_the_report(receiver):
    tracking = Tracking.model_validate({"webhook": {"url": receiver.url}})
    assert tell_drift(tracking, "line", REPORT) == []
    [body] = receiver.bodies
    assert body.items() >= {"event": "drift", "pipeline": "line", **REPORT}.items()
    assert body["text"] == (
        "line: live requests of version 4 have drifted: temp: skew; mold: new values"
    )


@pytest.mark.parametrize("section", [{}, {"webhook": {"events": ["pushed"]}}], ids=json.dumps)
def test_drift_that_nobody_asked_for(receiver, section, monkeypatch):
    if section:
        monkeypatch.setenv(WEBHOOK, receiver.url)
    assert tell_drift(Tracking.model_validate(section), "line", REPORT) == []
    assert receiver.requests == []


def test_a_run_without_events_is_not_posted(story, receiver):
    for node in EVERY[:-1]:
        story.ledger.node("r1", node)
    there = {"pushed": 0, "pushed_version": "3", "reason": "it is there"}
    story.ledger.node("r1", "Pusher", outputs={"pushed_model": ("PushedModel", there)})
    assert story.tell(webhook={"url": receiver.url}) == []
    assert receiver.requests == []
