"""The result of a run, from the outcomes of its nodes: the same words and exit code everywhere."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Literal, get_args

from beltline.base.errors import BeltlineError, GateRefused, NodeFailed, WrongInput
from beltline.bundle.manifest import Manifest
from beltline.runners.metadata.store import NodeRun
from beltline.runners.node.outcome import PUSHER, WAITING, Outcome, read_back
from beltline.runners.paths import Paths
from beltline.versions.live import live
from beltline.versions.store import Place

_NONE_YET = "no version has been pushed yet"
RunEnd = Literal["done", "failed", "refused"]


@dataclass(frozen=True)
class RunResult:
    """The result of a run; `node` and `reason` are empty if it succeeded.

    `version` is the one that this run pushed, or, after a refusal, the one that stays live;
    `waiting` the one that waits for approval. `code` is the exit code of the command that ran it.
    """

    end: RunEnd
    node: str = ""
    reason: str = ""
    version: str = ""
    code: int = 0
    run: str = ""
    waiting: str = ""

    def error(self, advice: str = "") -> BeltlineError:
        """Returns the error to raise for a run that did not succeed; `advice` says what to do."""
        if self.end == "refused":
            kept = f"version {self.version} stays live" if self.version else _NONE_YET
            reason = self.reason.replace("\n", "\n  ")
            return GateRefused(f"{self.node} refused; nothing was pushed, {kept}:\n  {reason}")
        if self.code == WrongInput.exit_code:
            return WrongInput(f"{self.node} was skipped: {self.reason}")
        more = f"\n  {advice}" if advice else ""
        return NodeFailed(f"{self.node} failed: {self.reason}{more}")

    def line(self) -> str:
        """Returns the result as a JSON object in one line."""
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def from_line(cls, line: str) -> "RunResult":
        """Reads what `line` wrote.

        Raises:
          ValueError, TypeError: it is anything else.
        """
        found = cls(**json.loads(line))
        if found.end not in get_args(RunEnd):
            raise ValueError(f"unknown end of a run: {found.end}")
        return found


def run_result(outcomes: list[Outcome], run: str = "", served: Place | None = None) -> RunResult:
    """Returns the result of a run.

    Args:
      outcomes: the outcomes of its nodes, in the pipeline's order.
      run: the run's id.
      served: the folder of the served versions, to tell which one stays live after a refusal.
    """
    bad = next((each for each in outcomes if _ended_badly(each)), None)
    if bad is None:
        version, waiting = (_pushed(outcomes, each) for each in ("pushed_version", WAITING))
        return RunResult("done", version=version, run=run, waiting=waiting)
    if bad.state == "refused":
        code = GateRefused.exit_code
        return RunResult("refused", bad.node, bad.reason, _live(served), code, run)
    # Without data there was nothing to run on, which is not the node's fault.
    error = WrongInput if bad.state == "skipped" else NodeFailed
    return RunResult("failed", bad.node, bad.reason, code=error.exit_code, run=run)


def not_pushed(outcomes: list[Outcome]) -> str:
    """Returns why no version came of the push that a run has made; empty if one did.

    That is one that is live or waits, or that was there before. What else can be is a model that
    was rejected.
    """
    push = next((each for each in outcomes if each.node == PUSHER and each.outputs), None)
    named = [_pushed(outcomes, name) for name in ("pushed_version", WAITING)]
    return push.reason if push and push.state == "skipped" and not any(named) else ""


def recorded_result(
    manifest: Manifest, latest: Mapping[str, NodeRun], run: str, paths: Paths, missing: str
) -> RunResult:
    """Returns the result of a run whose nodes have all ended, from ML Metadata.

    Args:
      manifest: the bundle's manifest.
      latest: the last execution of each node.
      run: the run's id.
      paths: where the served versions are.
      missing: why the run failed if a node of a run without failures has no execution.
    """
    ended = [node.id for node in manifest.nodes if node.id in latest]
    outcomes = [read_back(latest[node], node) for node in ended]
    found = run_result(outcomes, run, paths.root / manifest.push / manifest.name)
    left_out = [node.id for node in manifest.nodes if node.id not in latest]
    # Nodes downstream of a failed one don't run.
    if found.end == "done" and left_out:
        return run_result([Outcome(left_out[0], "failed", reason=missing)], run)
    return found


def _ended_badly(outcome: Outcome) -> bool:
    # A push that wasn't needed is skipped too, but has an artifact that says so.
    no_data = outcome.state == "skipped" and not outcome.outputs
    return outcome.state in ("failed", "refused") or no_data


def _pushed(outcomes: list[Outcome], name: str) -> str:
    pushes = [each.outputs.get("pushed_model", []) for each in outcomes if each.node == PUSHER]
    found = [push["properties"].get(name, "") for pushed in pushes for push in pushed]
    return str(found[0]) if found else ""


def _live(served: Place | None) -> str:
    number = live(served) if served else None
    return "" if number is None else str(number)
