import json

import pytest

from beltline.runners.metadata.store import NodeRun
from beltline.runners.node.outcome import DONE, FAILED, SKIPPED, Outcome, read_back


def execution(state="complete", reason="", **outputs):
    made = {
        key: [{"id": 1, "type": kind, "uri": "", "properties": properties}]
        for key, (kind, properties) in outputs.items()
    }
    return NodeRun("N", state, 7, 0, 1, reason, "b", made)


BLESSED = ("ModelBlessing", {"blessed": 1, "reason": ""})
REFUSED = ("ModelBlessing", {"blessed": 0, "reason": "auc 0.5 is below 0.6"})
UNSERVED = ("InfraBlessing", {"blessed": 0, "reason": "no answer"})
PUSHED = ("PushedModel", {"pushed": 1, "pushed_version": "3"})
KEPT = ("PushedModel", {"pushed": 0, "reason": "this model is version 3 already"})


@pytest.mark.parametrize(
    ("run", "state", "reason", "code"),
    [
        (execution(), "done", "", DONE),
        (execution("cached"), "cached", "", DONE),
        (execution("failed"), "failed", "its state in ML Metadata is failed", FAILED),
        (execution("failed", "disk full"), "failed", "disk full", FAILED),
        (execution("running"), "failed", "its state in ML Metadata is running", FAILED),
        (execution("canceled", "no data"), "skipped", "no data", SKIPPED),
        (None, "failed", "no execution found in ML Metadata", FAILED),
        (execution(blessing=BLESSED), "done", "", DONE),
        (execution(blessing=REFUSED), "refused", "auc 0.5 is below 0.6", DONE),
        (execution("cached", blessing=REFUSED), "refused", "auc 0.5 is below 0.6", DONE),
        (execution(blessing=UNSERVED), "refused", "no answer", DONE),
        (execution(blessing=("ModelBlessing", {})), "refused", "", DONE),
        (execution(pushed_model=PUSHED), "done", "", DONE),
        (execution(pushed_model=KEPT), "skipped", "this model is version 3 already", SKIPPED),
        (
            execution("failed", blessing=BLESSED),
            "failed",
            "its state in ML Metadata is failed",
            FAILED,
        ),
    ],
)
def test_how_a_node_ended(run, state, reason, code):
    outcome = read_back(run, "N")
    assert (outcome.state, outcome.reason, outcome.exit_code) == (state, reason, code)


def test_what_was_raised_says_more_than_the_metadata():
    outcome = read_back(execution("failed", "noted"), "N", "raised")
    assert (outcome.state, outcome.reason) == ("failed", "raised")
    assert read_back(None, "N", "raised").reason == "raised"


def test_a_gate_that_raises_has_refused_and_stops_the_run():
    outcome = read_back(execution("refused"), "N", "new column")
    assert (outcome.state, outcome.reason, outcome.exit_code) == ("refused", "new column", FAILED)


def test_what_completed_did_so_whatever_was_raised():
    # The launch can fail after the result has been published.
    assert read_back(execution("complete"), "N", "late").state == "done"


def test_the_line_holds_what_the_contract_names():
    outcome = read_back(execution(blessing=REFUSED), "N")
    line = outcome.line()
    assert "\n" not in line
    assert {"node", "state", "execution_id", "outputs"} <= set(json.loads(line))
    assert Outcome.from_line(line) == outcome
