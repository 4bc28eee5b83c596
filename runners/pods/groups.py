"""Groups of nodes that run in one pod: a pod costs about half a minute, and most nodes less.

By default a node that asks for a GPU has a pod of its own, and those between two such share one: so
a GPU is never idle, and no node of bookkeeping waits for a pod.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from itertools import groupby

from beltline.base.errors import WrongInput
from beltline.bundle.manifest import Manifest, Node, Resources
from beltline.runners.choices import check_choice


@dataclass(frozen=True)
class Group:
    """Nodes that run in one pod, in the pipeline's order.

    `upstream` are the names of the groups that must have succeeded.
    """

    name: str
    nodes: tuple[Node, ...]
    upstream: tuple[str, ...]

    @property
    def resources(self) -> Resources:
        """The requests of the pod: those of the most demanding node."""
        asked = [node.resources for node in self.nodes]
        return Resources(
            cpu=max((each.cpu for each in asked if each.cpu), default=None),
            memory=max(asked, key=lambda each: each.memory_bytes).memory,
            gpu=max(each.gpu for each in asked),
        )


def grouped(manifest: Manifest, chosen: Mapping[str, Sequence[str]], key: str) -> list[Group]:
    """Returns the groups of a pipeline, in an order in which they can run.

    Args:
      manifest: the bundle's manifest.
      chosen: the settings' groups: node ids by name. The other nodes are grouped by default.
      key: the setting's key, for messages.

    Raises:
      WrongInput: a node is unknown or in two groups, or two groups would wait for each other.
    """
    names = _chosen(manifest, chosen, key)
    names |= _by_default(manifest.nodes, names)
    nodes: dict[str, list[Node]] = {}
    for node in manifest.nodes:
        nodes.setdefault(names[node.id], []).append(node)
    upstream = {
        name: {names[each] for node in of for each in node.upstream} - {name}
        for name, of in nodes.items()
    }
    return [
        Group(name, tuple(nodes[name]), tuple(sorted(upstream[name])))
        for name in _in_order(upstream, key)
    ]


def _chosen(manifest: Manifest, chosen: Mapping[str, Sequence[str]], key: str) -> dict[str, str]:
    known = [node.id for node in manifest.nodes]
    found: dict[str, str] = {}
    for name, nodes in chosen.items():
        for node in nodes:
            check_choice(f"{key}.{name}: {node}: node not found", node, known)
            if node in found:
                raise WrongInput(f"{key}.{name}: {node} is in group {found[node]} already")
            found[node] = name
    return found


def _by_default(nodes: Sequence[Node], chosen: Mapping[str, str]) -> dict[str, str]:
    """Returns the name of each other node's group: consecutive nodes without a GPU share one."""
    found: dict[str, str] = {}
    taken = set(chosen.values())
    alone = {node.id for node in nodes if node.resources.gpu}
    for own, consecutive in groupby(nodes, key=lambda node: node.id in chosen or node.id in alone):
        members = [node for node in consecutive if node.id not in chosen]
        for share in [[node] for node in members] if own else [members]:
            name = _unique(_name(share, whole=len(share) == len(nodes)), taken)
            found |= {node.id: name for node in share}
    return found


def _name(nodes: Sequence[Node], whole: bool) -> str:
    if len(nodes) == 1:
        return nodes[0].id
    return "nodes" if whole else "-".join(dict.fromkeys(node.role for node in nodes))


def _unique(name: str, taken: set[str]) -> str:
    number, unique = 1, name
    while unique in taken:
        number += 1
        unique = f"{name}-{number}"
    taken.add(unique)
    return unique


def _in_order(upstream: Mapping[str, set[str]], key: str) -> list[str]:
    sorter = TopologicalSorter({name: sorted(upstream[name]) for name in upstream})
    try:
        return [*sorter.static_order()]
    except CycleError as error:
        circle = " → ".join(error.args[1])
        raise WrongInput(
            f"{key}: these groups would wait for each other: {circle}; put their nodes into one"
        ) from None
