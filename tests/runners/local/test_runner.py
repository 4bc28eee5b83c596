"""Which node the runner waits for; the runs themselves are those of tests/end_to_end."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from beltline.runners.metadata.store import Lineage
from tests.runners.projects import Ledger, paths

ROOT = Path(__file__).parents[3]
# In a process of its own, since that is one that may be forked.
PROGRAM = """\
import json, signal, sys, time
from pathlib import Path
from beltline.bundle import folder
from beltline.runners.local.capacity import Capacity
from beltline.runners.local.children import Children
from beltline.runners.local.runner import RunRequest, _Run
from beltline.runners.local.watch import Watch
from tests.bundle.bundles import manifest
from tests.runners.projects import paths

class Counting(Watch):
    waits = 0
    begun = []
    def started(self, node):
        self.begun.append(node)
    def waiting(self):
        self.waits += 1
where, limit, deaf, every = Path(sys.argv[1]), *json.loads(sys.argv[2])
watch = Counting()
watch.every = every
bundle = folder.write(where / "bundles", manifest(), b"pipeline", b"code")
request = RunRequest("run", ["Trainer"], Capacity.of_machine(), time_limit=limit)
line = '{"node": "Trainer", "state": "done"}'
def work():
    if deaf:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    time.sleep(0.5)
    return line
with Children() as children:
    run = _Run(bundle, paths(where), request, watch, children)
    run._work = lambda node: work
    run._begin([bundle.manifest.node("Trainer").model_copy(update={"upstream": ()})])
    ended = run._next()
    assert watch.begun == ["Trainer"], watch.begun
    print(json.dumps([ended.state, ended.reason, children.names, watch.waits]))
"""


def ended(folder: Path, limit: float | None, deaf: bool = False) -> list[object]:
    """The state and the reason of a node that takes half a second, and who still works.

    One that is deaf does not hear that it is to end.
    """
    return watched(folder, limit, deaf)[:3]


def watched(
    folder: Path, limit: float | None, deaf: bool = False, every: float | None = None
) -> list[Any]:
    """The same, and how often it was looked at."""
    ledger = Ledger(paths(folder).metadata)
    ledger.run("run")
    ledger.node("run", "Trainer", "RUNNING")
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, folder, json.dumps([limit, deaf, every])],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return list(json.loads(done.stdout))


def test_a_node_that_exceeds_its_time_limit_is_stopped_and_reconciled(tmp_path: Path) -> None:
    assert ended(tmp_path, 0.06) == ["failed", "stopped at its time limit of 0.001 minutes", []]
    [node] = Lineage(paths(tmp_path).metadata, "line").nodes("run")
    assert (node.state, node.reason) == ("failed", "stopped at its time limit of 0.001 minutes")


def test_a_node_that_was_complete_when_its_time_was_up_is_done(tmp_path: Path) -> None:
    assert ended(tmp_path, 0.2, deaf=True) == ["done", "", []]


def test_within_its_limit_and_without_one_it_ends_by_itself(tmp_path: Path) -> None:
    for name, limit in (("none", None), ("ample", 60)):
        (tmp_path / name).mkdir()
        assert ended(tmp_path / name, limit) == ["done", "", []]


@pytest.mark.parametrize(("every", "least", "most"), [(0.05, 5, 10), (None, 0, 0), (60, 0, 0)])
def test_while_a_node_works_it_is_looked_at(
    tmp_path: Path, every: float | None, least: int, most: int
) -> None:
    state, *_, waits = watched(tmp_path, None, every=every)
    assert state == "done" and least <= waits <= most


def test_a_limit_holds_for_whoever_is_watched(tmp_path: Path) -> None:
    state, reason, _, waits = watched(tmp_path, 0.3, every=0.1)
    assert (state, reason) == ("failed", "stopped at its time limit of 0.005 minutes")
    assert 1 <= waits <= 3
