"""Events of nodes at a real receiver, made by the specification's own client."""

import uuid
from dataclasses import replace
from datetime import datetime

import pytest
from ml_metadata.proto import metadata_store_pb2 as pb

from beltline.runners.metadata.store import REASON, REFUSED, Lineage
from beltline.runners.node.outcome import read_back
from beltline.runners.tracking.openlineage import API_KEY, NodeEvents
from tests.bundle.bundles import manifest

EXAMPLES = {"examples": ("Examples", {"uri": "/data/artifacts/ExampleGen/examples/1"})}
FAR = {"model": ("Model", {"uri": "s3://bucket/models/7"})}


def events(story, node="Trainer", attempt=0, **tracking):
    return NodeEvents(manifest(), node, "r1", attempt, story.paths(**tracking))


def ended(story, node, **tracking):
    """Tells the end of a node that a test has written."""
    lineage = Lineage(story.paths().metadata, "line")
    outcome = read_back(lineage.node("r1", node), node)
    events(story, node, **tracking).end(outcome, lineage)


def reads(story, execution, artifact):
    event = pb.Event(artifact_id=artifact, execution_id=execution, type=pb.Event.INPUT)
    event.path.steps.add().key = "examples"
    story.ledger.store.put_events([event])


def test_a_node_that_starts(story, receiver):
    events(story, openlineage=f"{receiver.url}/prefix/").start()
    [(path, headers, event)] = receiver.requests
    assert (path, headers["Content-Type"]) == ("/prefix/api/v1/lineage", "application/json")
    assert (event["eventType"], event["job"]["namespace"]) == ("START", "beltline")
    assert event["job"]["name"] == "line.Trainer"
    # What the specification requires of every event.
    assert event["producer"].startswith("urn:beltline:")
    assert event["schemaURL"].endswith("#/$defs/RunEvent")
    assert datetime.fromisoformat(event["eventTime"]).tzinfo
    assert uuid.UUID(event["run"]["runId"])
    parent = event["run"]["facets"]["parent"]
    assert (parent["job"]["namespace"], parent["job"]["name"]) == ("beltline", "line")
    assert uuid.UUID(parent["run"]["runId"]) != uuid.UUID(event["run"]["runId"])


def test_start_and_end_are_of_one_run_and_another_attempt_is_of_another(story, receiver):
    story.ledger.node("r1", "Trainer")
    for attempt in (0, 0, 1):
        events(story, attempt=attempt, openlineage=receiver.url).start()
    ended(story, "Trainer", openlineage=receiver.url)
    first, again, other, end = (body["run"]["runId"] for body in receiver.bodies)
    assert first == again == end != other
    parents = {body["run"]["facets"]["parent"]["run"]["runId"] for body in receiver.bodies}
    assert len(parents) == 1


def test_a_node_that_is_done_has_what_it_read_and_wrote(story, receiver):
    story.ledger.node("r1", "ExampleGen", outputs=EXAMPLES, path="days/*.csv")
    [artifact] = (
        Lineage(story.paths().metadata, "line").node("r1", "ExampleGen").outputs["examples"]
    )
    trainer = story.ledger.node("r1", "Trainer", outputs=FAR)
    reads(story, trainer, artifact["id"])
    for node in ("ExampleGen", "Trainer"):
        ended(story, node, openlineage=receiver.url)
    made, trained = receiver.bodies
    assert {made["eventType"], trained["eventType"]} == {"COMPLETE"}

    def named(datasets):
        return [(each["namespace"], each["name"]) for each in datasets]

    examples = [("file", "/data/artifacts/ExampleGen/examples/1")]
    assert named(made["inputs"]) == [("file", str(story.paths().data / "days/*.csv"))]
    assert named(made["outputs"]) == named(trained["inputs"]) == examples
    assert named(trained["outputs"]) == [("s3://bucket", "models/7")]


def test_rows_in_an_object_store_are_named_by_it(story, receiver):
    story.ledger.node("r1", "ExampleGen", path="s3://bucket/days/*.csv")
    ended(story, "ExampleGen", openlineage=receiver.url)
    [event] = receiver.bodies
    assert [(each["namespace"], each["name"]) for each in event["inputs"]] == [
        ("s3://bucket", "days/*.csv")
    ]


@pytest.mark.parametrize(
    ("state", "properties", "kind", "message"),
    [
        ("FAILED", {REASON: "no memory"}, "FAIL", "no memory"),
        ("FAILED", {REFUSED: "yes", REASON: "too cold"}, "FAIL", "too cold"),
        ("CANCELED", {REASON: "no span 7"}, "ABORT", None),
        ("CACHED", {}, "COMPLETE", None),
    ],
)
def test_how_a_node_ended(story, receiver, state, properties, kind, message):
    story.ledger.node("r1", "DataGate", state, **properties)
    ended(story, "DataGate", openlineage=receiver.url)
    [event] = receiver.bodies
    facets = event["run"]["facets"]
    assert (event["eventType"], facets.get("errorMessage", {}).get("message")) == (kind, message)


def test_a_key_is_sent_along(story, receiver, monkeypatch):
    monkeypatch.setenv(API_KEY, "k3y")
    events(story, openlineage=receiver.url).start()
    [(_, headers, _)] = receiver.requests
    assert headers["Authorization"] == "Bearer k3y"


def test_a_backend_that_is_down_is_a_warning(story, caplog):
    events(story, openlineage="http://127.0.0.1:1").start()
    assert caplog.messages == [
        "tracking.openlineage: Trainer was not reported: 127.0.0.1:1 can't be reached"
    ]


def test_without_the_setting_nobody_is_told(story, receiver, monkeypatch):
    monkeypatch.setenv("OPENLINEAGE_URL", receiver.url)
    events(story).start()
    told = events(story)
    told.end(replace(read_back(None, "Trainer")), Lineage(story.paths().metadata, "line"))
    assert receiver.requests == []
