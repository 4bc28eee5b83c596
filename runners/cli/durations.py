"""How long a run will take, by how long earlier ones took."""

import statistics
import time
from collections.abc import Mapping, Sequence

from beltline.bundle.manifest import Manifest
from beltline.runners.metadata.store import Lineage

RUNS = 5
"""So many of the latest runs are asked."""


def usual_seconds(lineage: Lineage, runs: Sequence[str]) -> dict[str, float]:
    """Returns the seconds that each node usually takes; those that never ran are left out.

    Args:
      lineage: the pipeline's ML Metadata.
      runs: its runs, latest last.
    """
    found: dict[str, list[float]] = {}
    for run in runs[-RUNS:]:
        for each in lineage.nodes(run):
            if each.state == "complete":
                found.setdefault(each.node, []).append(each.ended - each.started)
    return {node: statistics.median(seconds) for node, seconds in found.items()}


def seconds_left(
    manifest: Manifest,
    nodes: Sequence[str],
    usual: Mapping[str, float],
    started: Mapping[str, float],
    ended: Mapping[str, float],
) -> float | None:
    """Returns how long the nodes will still take, if those that can run at once do.

    Args:
      manifest: says which nodes wait for which.
      nodes: those of the run, in order.
      usual: seconds by node.
      started: when nodes began, by `time.monotonic()`.
      ended: the seconds of those that have ended, by node.

    Returns:
      None where nobody knows: a node is at work, or to come, that never ran.
    """
    now, left = time.monotonic(), 0.0
    finish: dict[str, float] = {}
    for node in nodes:
        if node in ended:
            continue
        if node not in usual:
            return None
        begun = now - started[node] if node in started else 0.0
        before = max((finish.get(each, 0.0) for each in manifest.node(node).upstream), default=0.0)
        finish[node] = before + max(usual[node] - begun, 0.0)
        left = max(left, finish[node])
    return left
