"""The outcome of a node, read from ML Metadata: a launch can fail without raising."""

import json
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from beltline.runners.metadata.store import NodeRun, first

State = Literal["done", "cached", "skipped", "refused", "failed"]

# A Resolver outputs a pushed model too; only this node's is the one that the run pushed.
PUSHER = "Pusher"
# The property of its output that names the version that waits for approval.
WAITING = "waiting_version"

# The node runner's exit codes; a model gate that refuses is done.
DONE, FAILED, SKIPPED = 0, 1, 99


@dataclass(frozen=True)
class Outcome:
    """The outcome of a node. `reason` is empty unless it was skipped, refused or failed."""

    node: str
    state: State
    execution_id: int | None = None
    outputs: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    reason: str = ""

    @property
    def exit_code(self) -> int:
        """The node runner's exit code."""
        if self.state == "skipped":
            return SKIPPED
        # Without an artifact for the verdict, a gate's refusal is a failed execution.
        failed = self.state == "failed" or (self.state == "refused" and not self.outputs)
        return FAILED if failed else DONE

    def line(self) -> str:
        """Returns the JSON object that the node runner prints last."""
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def from_line(cls, line: str) -> "Outcome":
        """Reads what `line` wrote."""
        return cls(**json.loads(line))


def read_back(run: NodeRun | None, node: str, error: str = "") -> Outcome:
    """Returns the outcome of a node's execution, with the verdict of gates and pushes.

    A push, or a prediction, that there was no reason for is skipped.

    Args:
      run: the execution, or None.
      node: the node's id.
      error: what the launch raised; empty if it did not.
    """
    if run is None:
        return Outcome(node, "failed", reason=error or "no execution found in ML Metadata")
    if run.state == "canceled":
        return Outcome(node, "skipped", run.execution_id, reason=error or run.reason)
    if run.state not in ("complete", "cached"):
        reason = error or run.reason or f"its state in ML Metadata is {run.state}"
        state: State = "refused" if run.state == "refused" else "failed"
        return Outcome(node, state, run.execution_id, reason=reason)
    state, reason = _verdict(run)
    return Outcome(node, state, run.execution_id, run.outputs, reason)


def _verdict(run: NodeRun) -> tuple[State, str]:
    for kind in ("ModelBlessing", "InfraBlessing"):
        blessing = first(run.outputs, kind)
        if blessing is not None and not blessing.get("blessed"):
            return "refused", blessing.get("reason", "")
    pushed = first(run.outputs, "PushedModel")
    if pushed is not None and not pushed.get("pushed"):
        return "skipped", pushed.get("reason", "")
    predicted = first(run.outputs, "InferenceResult")
    if predicted is not None and not predicted.get("predicted_rows"):
        return "skipped", predicted.get("reason", "")
    return ("cached" if run.state == "cached" else "done"), ""
