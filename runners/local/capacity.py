"""Whose turn it is: which nodes may run at once on one machine.

A node may begin when what it follows has ended well, and when there is room for what it asks for
beside those that run. One that asks for more than the machine has runs alone.
"""

import os
import sys
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from beltline.bundle.manifest import Node, Resources
from beltline.runners.checks.machine import available_memory

_UNITS = {"Mi": 1 << 20, "Gi": 1 << 30}


@dataclass(frozen=True)
class Capacity:
    """What nodes that run at once may take together: how many, their cores, their bytes."""

    nodes: int
    cpu: float
    memory: int

    @classmethod
    def of_machine(cls, nodes: int | None = None) -> "Capacity":
        """Returns what this process may use; `nodes` at once, by default one for each core."""
        cores = len(os.sched_getaffinity(0))
        return cls(nodes or cores, cores, available_memory() or sys.maxsize)


def next_node(
    nodes: Sequence[Node], ended: Collection[str], running: Collection[str], capacity: Capacity
) -> str | None:
    """Returns the first node, in the given order, that may begin now; None if there is none.

    Of `nodes` those count as followed that are among them: what is left out of a run is there.
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
    # A process of TensorFlow's takes all memory of a GPU that it sees.
    gpus = sum(bool(each.gpu) for each in asked)
    return (
        len(asked) <= capacity.nodes
        and gpus <= 1
        and sum(each.cpu or 0 for each in asked) <= capacity.cpu
        and sum(_bytes(each.memory) for each in asked) <= capacity.memory
    )


def _bytes(memory: str | None) -> int:
    return int(memory[:-2]) * _UNITS[memory[-2:]] if memory else 0
