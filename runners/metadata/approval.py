"""Writes the decision about a version to ML Metadata: at the push that held it."""

from typing import Any

from beltline.runners.metadata.store import Lineage
from beltline.runners.node.outcome import PUSHER, WAITING
from beltline.versions.decisions import Decision
from beltline.versions.store import Place, shown


def record_decision(
    lineage: Lineage, run: str, served: Place, number: int, decision: Decision
) -> bool:
    """Records a decision; an approved version is pushed from then on.

    Args:
      lineage: ML Metadata.
      run: the run that held the version.
      served: where the versions are.
      number: the version.
      decision: the decision about it.

    Returns:
      Whether ML Metadata knows the push.
    """
    held = held_model(lineage, run, number)
    if held is not None:
        lineage.annotate_artifact(held["id"], _properties(served, number, decision))
    return held is not None


def held_model(lineage: Lineage, run: str, number: int) -> dict[str, Any] | None:
    """Returns the artifact of the push that held a version in a run; None if none did."""
    node = lineage.node(run, PUSHER)
    pushed = node.outputs.get("pushed_model", []) if node else []
    return next((each for each in pushed if each["properties"].get(WAITING) == str(number)), None)


def _properties(served: Place, number: int, decision: Decision) -> dict[str, str | int]:
    said: dict[str, str | int] = {
        "decision": decision.verdict,
        "decided_by": decision.by,
        "decided_at": decision.at,
        "decision_note": decision.note,
        "reason": decision.of(number),
    }
    if decision.verdict == "approved":
        made = {"pushed_version": str(number), "pushed_destination": shown(served, number)}
        said |= {"pushed": 1, **made}
    return said
