"""How long a run will take."""

import time

import pytest

from beltline.runners.cli.durations import RUNS, seconds_left, usual_seconds
from beltline.runners.metadata.store import Lineage
from tests.bundle.bundles import manifest
from tests.runners.projects import Ledger, paths

NODES = ["ExampleGen", "DataGate", "Schema", "Transform", "Trainer", "Champion", "Pusher"]
USUAL = dict(zip(NODES, [10.0, 1.0, 2.0, 20.0, 40.0, 5.0, 3.0], strict=True))


def test_nodes_side_by_side_take_as_long_as_the_longest_way():
    assert seconds_left(manifest(), NODES, USUAL, {}, {}) == 10 + 1 + 20 + 40 + 3


def test_what_has_ended_takes_no_more_and_what_runs_takes_the_rest():
    started = dict.fromkeys(NODES[:5], time.monotonic() - 30)
    ended = dict.fromkeys(NODES[:4], 1.0)
    assert seconds_left(manifest(), NODES, USUAL, started, ended) == pytest.approx(13, abs=0.5)
    # Longer than ever: any moment.
    started["Trainer"] -= 100
    assert seconds_left(manifest(), NODES, USUAL, started, ended) == pytest.approx(8)


def test_only_the_nodes_of_this_run_count():
    assert seconds_left(manifest(), ["Trainer", "Pusher"], USUAL, {}, {}) == 43


def test_nobody_knows_of_a_node_that_never_ran():
    usual = {node: seconds for node, seconds in USUAL.items() if node != "Pusher"}
    assert seconds_left(manifest(), NODES, usual, {}, {}) is None
    assert seconds_left(manifest(), NODES, {}, {}, dict.fromkeys(NODES, 1.0)) == 0


def test_the_usual_is_the_middle_of_the_latest_runs(tmp_path):
    ledger = Ledger(paths(tmp_path).metadata)
    for number in range(RUNS + 2):
        ledger.run(f"r{number}")
        ledger.node(f"r{number}", "Trainer", "COMPLETE")
        ledger.node(f"r{number}", "Transform", "CACHED")
        ledger.node(f"r{number}", "Pusher", "FAILED")
    lineage = Lineage(paths(tmp_path).metadata, "line")
    found = usual_seconds(lineage, [f"r{number}" for number in range(RUNS + 2)])
    assert list(found) == ["Trainer"]
    assert found["Trainer"] >= 0


def test_before_the_first_run_nothing_is_known(tmp_path):
    assert usual_seconds(Lineage(paths(tmp_path).metadata, "line"), ["r1"]) == {}


def test_only_the_latest_runs_are_asked(tmp_path):
    ledger = Ledger(paths(tmp_path).metadata)
    runs = [f"r{number}" for number in range(RUNS + 1)]
    for run in runs:
        ledger.run(run)
    ledger.node(runs[0], "Trainer", "COMPLETE")
    assert usual_seconds(Lineage(paths(tmp_path).metadata, "line"), runs) == {}
