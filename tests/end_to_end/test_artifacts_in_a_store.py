"""A whole run with its artifacts in a real S3 server: the same model, despite faults and kills."""

import json
import os
import re
import signal
import time
from pathlib import Path

import pytest

from beltline.storage.url import parse
from beltline.versions.folder import CARD
from tests.beltline_process import Beltline
from tests.end_to_end.projects import NODES, SEEDED, Project, casting, states
from tests.object_store import Store, faulty, sizes

pytestmark = pytest.mark.slow
_RUN = ("run", *SEEDED)
_AGAIN = (*_RUN, "--from", "ExampleGen", "--to", "ExampleGen", "--force", "ExampleGen")


def _learned(root: Path) -> tuple[list[str], object]:
    """The digests of the weights, and the metrics of the version that was pushed."""
    [log] = root.glob("logs/*/Trainer.log")
    digests = re.findall(r"weights digest (\w+)", log.read_text())
    [folder] = root.glob("served/*/1")
    return digests, json.loads((folder / CARD).read_text())["metrics"]


def _children(process: int) -> list[int]:
    found = Path(f"/proc/{process}/task").glob("*/children")
    return [int(child) for file in found for child in file.read_text().split()]


def _executions(bucket: str) -> dict[str, set[str]]:
    """The names of the objects of each execution, by `NODE/KEY/EXECUTION`."""
    found: dict[str, set[str]] = {}
    prefix = parse(bucket).key.count("/") + 2
    for each in sizes(parse(bucket)):
        parts = each.key.split("/")[prefix:]
        found.setdefault("/".join(parts[:3]), set()).add(parts[-1])
    return found


def test_a_run_is_the_same_as_on_a_disk(
    store: Store, beltline: Beltline, bucket: str, tmp_path: Path
) -> None:
    project = casting(beltline, tmp_path / "casting")
    began = time.monotonic()
    assert project(*_RUN).code == 0
    on_disk = time.monotonic() - began
    with faulty(store) as (endpoint, faults):
        environment = {
            **store.environment(endpoint),
            "BELTLINE_CACHE": str(tmp_path / "cache"),
            "BELTLINE_ARTIFACTS": bucket,
            "BELTLINE_ROOT": str(tmp_path / "away"),
        }
        away = Project(beltline, project.folder, environment)
        faults.busy |= {"PUT": 3, "GET": 3}
        faults.cut |= {"PUT": 2}
        began = time.monotonic()
        done = away(*_RUN)
        took = time.monotonic() - began
        print(f"on a disk {on_disk:.1f} s, in a store {took:.1f} s: {took / on_disk:.2f}")
        assert done.code == 0, done.text
        assert states(done) == dict.fromkeys(NODES, "done")
        assert not any([*faults.busy.values(), *faults.cut.values()])
        assert _learned(tmp_path / "away") == _learned(project.root)
        assert not [each for each in (tmp_path / "away/artifacts").rglob("*.gz") if each.is_file()]

        # A machine that has neither the root nor the cache of the first.
        metadata = f"sqlite:///{tmp_path}/away/metadata.sqlite"
        other = environment | {
            "BELTLINE_CACHE": str(tmp_path / "other-cache"),
            "BELTLINE_ROOT": str(tmp_path / "other"),
            "BELTLINE_METADATA": metadata,
        }
        there = Project(beltline, project.folder, other)
        judged = there(*_RUN, "--from", "Evaluator", "--to", "Evaluator", "--force", "Evaluator")
        assert judged.code == 0, judged.text
        assert states(judged) == {"Evaluator": "done"}
        shown = there("report", "--json")
        assert shown.code == 0, shown.text
        assert "auc" in shown.out

        cached = states(away(*_RUN, "--to", "DataGate"))
        assert {node for node, state in cached.items() if state == "done"} == set(), cached

        # The node is killed while it uploads; what it has written leaves with the next attempt.
        before = _executions(bucket)
        faults.slow["PUT"] = 1.0
        faults.seen.clear()
        call = away.start(*_AGAIN)
        while not any("PUT" in each for each in faults.seen):
            assert call.process.is_alive(), call.out
            time.sleep(0.05)
        time.sleep(1.5)
        for child in _children(call.process.pid or 0):
            os.kill(child, signal.SIGKILL)
        killed = call.wait()
        assert killed.code == 1, killed.text
        assert "its process was killed" in killed.text
        faults.slow.clear()
        left = [each for each in _executions(bucket) if each not in before]
        assert left
        again = away(*_AGAIN)
        assert again.code == 0, again.text
        after = _executions(bucket)
        assert not set(left) & set(after)
        assert all(".folder.json" in names for names in after.values())
