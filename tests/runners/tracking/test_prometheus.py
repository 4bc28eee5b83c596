"""The textfile, read by Prometheus' own parser."""

from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.runners.tracking.runs import EVERY


def samples(file: Path) -> dict[str, dict[tuple[str, ...], float]]:
    """The samples by name, each by the values of its labels but the pipeline's."""
    found: dict[str, dict[tuple[str, ...], float]] = {}
    for family in text_string_to_metric_families(file.read_text(encoding="utf-8")):
        for each in family.samples:
            labels: dict[str, Any] = dict(each.labels)
            assert labels.pop("pipeline") == "line"
            found.setdefault(each.name, {})[tuple(labels.values())] = each.value
    return found


def test_a_run_that_pushed(story):
    assert story.pushed().tell(prometheus="textfile/line.prom") == []
    found = samples(story.root / "textfile/line.prom")
    run = story.ended().as_json()
    assert found["beltline_run_end"] == {("done",): 1, ("failed",): 0, ("refused",): 0}
    assert found["beltline_run_seconds"] == {(): run["seconds"]}
    assert found["beltline_run_end_timestamp_seconds"][()] == pytest.approx(
        max(node.ended for node in story.ended().nodes.values())
    )
    assert found["beltline_node_seconds"] == {
        (node["node"], "done"): node["seconds"] for node in run["nodes"]
    }
    assert set(found["beltline_node_seconds"]) == {(node, "done") for node in EVERY}
    assert found["beltline_gate_passed"] == {("data", "DataGate"): 1}
    assert found["beltline_pushed_version"] == {(): 7}


def test_a_refusal(story):
    story.refused().tell(prometheus="line.prom")
    found = samples(story.root / "line.prom")
    assert found["beltline_run_end"] == {("done",): 0, ("failed",): 0, ("refused",): 1}
    assert found["beltline_gate_passed"] == {("data", "DataGate"): 0}
    assert set(found["beltline_node_seconds"]) == {("ExampleGen", "done"), ("DataGate", "refused")}
    assert "beltline_pushed_version" not in found


def test_a_gate_that_failed_neither_passed_nor_refused(story):
    story.ledger.node("r1", "DataGate", "FAILED")
    story.tell(prometheus="line.prom")
    assert "beltline_gate_passed" not in samples(story.root / "line.prom")


def test_a_later_run_replaces_the_file_and_leaves_no_other(story, tmp_path):
    file = tmp_path / "elsewhere/line.prom"
    story.refused().tell(prometheus=str(file))
    assert samples(file)["beltline_run_end"][("done",)] == 0
    before = file.stat().st_ino
    story.pushed().tell(prometheus=str(file))
    assert samples(file)["beltline_run_end"][("done",)] == 1
    # node_exporter never reads half a file: a new one takes the name.
    assert file.stat().st_ino != before
    assert list(file.parent.iterdir()) == [file]


def test_a_file_that_cannot_be_written_is_said(story):
    (story.root / "line.prom").mkdir(parents=True)
    [problem] = story.pushed().tell(prometheus="line.prom")
    assert problem.startswith("tracking.prometheus: run r1 was not reported: IsADirectoryError")
