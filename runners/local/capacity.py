"""Which node starts next: nodes run concurrently within the capacity of one machine.

A node starts when its upstream nodes have succeeded, and when its requests fit beside those of the
running nodes. A node that requests more than the machine has runs alone.
"""

import os
import sys
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from beltline.bundle.manifest import Node, Resources
from beltline.runners.checks.machine import available_memory


@dataclass(frozen=True)
class Capacity:
    """The limits of concurrent nodes together: their number, CPU cores, and bytes of memory."""

    nodes: int
    cpu: float
    memory: int

    @classmethod
    def of_machine(cls, nodes: int | None = None) -> "Capacity":
        """Returns the capacity of this process; `nodes` at once, by default one per core."""
        cores = len(os.sched_getaffinity(0))
        return cls(nodes or cores, cores, available_memory() or sys.maxsize)


def next_node(
    nodes: Sequence[Node], ended: Collection[str], running: Collection[str], capacity: Capacity
) -> str | None:
    """Returns the first of `nodes`, in their order, that can start now, or None.

    An upstream node that is not among `nodes` is not part of the run, and counts as done.

    Args:
      nodes: the nodes of the run.
      ended: the ids of the nodes that have ended.
      running: the ids of the running nodes.
      capacity: the limits of the machine.
    """
    known = {node.id: node for node in nodes}
    at_work = [known[each].resources for each in running]
    for node in nodes:
        waits_for = set(node.upstream) & known.keys() - set(ended)
        if node.id in ended or node.id in running or waits_for:
            continue
        if not at_work or _fits([*at_work, node.resources], capacity):
            return node.id
    return None


def _fits(asked: Sequence[Resources], capacity: Capacity) -> bool:
    # A TensorFlow process takes all memory of the GPUs it sees.
    gpus = sum(bool(each.gpu) for each in asked)
    return (
        len(asked) <= capacity.nodes
        and gpus <= 1
        and sum(each.cpu or 0 for each in asked) <= capacity.cpu
        and sum(each.memory_bytes for each in asked) <= capacity.memory
    )
