"""The nodes of the cluster: is one of them large enough for each request of the pipeline?

Each request is compared with what a single node has allocatable, under the selector and the taints
that the scheduler applies. What already runs there, and nodes that an autoscaler would add, are not
visible from here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from kubernetes.utils import parse_quantity

from beltline.runners.checks.finding import Problem

_EFFECTS = ("NoSchedule", "NoExecute")
_AUTOSCALED = "; a node group that is scaled to zero shows none: start one"


@dataclass(frozen=True)
class PodRequest:
    """The resources that the pod of one pipeline node requests; None where it requests none."""

    node: str
    cpu: float | None = None
    memory: str | None = None
    gpu: int = 0

    def quantities(self, accelerator: str) -> dict[str, Decimal]:
        """Returns the requested amounts by the resource's name."""
        # As the package writes it: the float 1.1 is a little more than the 1100m it stands for.
        cpu = f"{self.cpu:g}" if self.cpu else None
        requested = {"cpu": cpu, "memory": self.memory, accelerator: self.gpu}
        return {name: Decimal(parse_quantity(each)) for name, each in requested.items() if each}

    def __str__(self) -> str:
        """Returns the request in words."""
        parts = [f"{self.cpu:g} CPU" if self.cpu else "", self.memory or ""]
        parts.append(f"{self.gpu} GPU" if self.gpu else "")
        return ", ".join(part for part in parts if part)


@dataclass(frozen=True)
class SchedulingNeeds:
    """The requests of all pods, and where those with a GPU may be scheduled."""

    requests: Sequence[PodRequest]
    accelerator: str
    node_selector: Mapping[str, str]
    tolerations: Sequence[str]


def check(nodes: Sequence[Any], needs: SchedulingNeeds) -> str:
    """Checks that some node is large enough for each request.

    Raises:
      Problem: the cluster has no nodes, or none that is large enough for one of the requests.
    """
    if not nodes:
        raise Problem("the cluster has no nodes", f"add one{_AUTOSCALED}")
    # The report requests next to nothing, but needs a node without taints.
    for request in (*needs.requests, PodRequest("report")):
        _check_request(nodes, needs, request)
    gpus = sum(_allocatable(node, needs.accelerator) for node in nodes)
    return f"{len(nodes)} node{'s' * (len(nodes) > 1)}, {gpus} {needs.accelerator}"


def _check_request(nodes: Sequence[Any], needs: SchedulingNeeds, request: PodRequest) -> None:
    requested = request.quantities(needs.accelerator)
    large = [node for node in nodes if _is_large_enough(node, requested)]
    if not large:
        setting = "`kubeflow.accelerator` or " if request.gpu else ""
        raise Problem(
            f"no node is large enough for {request.node} ({request})",
            f"fix {setting}`resources.{request.node}`{_AUTOSCALED}",
        )
    if request.gpu:
        large = [node for node in large if _matches(node, needs.node_selector)]
        labels = ", ".join(f"{name}={value}" for name, value in needs.node_selector.items())
        if not large:
            shown = f"no node that is large enough for {request.node} has the labels {labels}"
            raise Problem(shown, f"fix `kubeflow.node_selector`{_AUTOSCALED}")
    tolerated = needs.tolerations if request.gpu else ()
    taints = [_taints(node, tolerated) for node in large]
    if all(taints):
        keys = ", ".join(sorted({key for each in taints for key in each}))
        fix = "add it to `kubeflow.tolerations`" if request.gpu else "remove the taint from a node"
        shown = f"every node that is large enough for {request.node} has a taint ({keys})"
        raise Problem(shown, fix)


def _is_large_enough(node: Any, requested: Mapping[str, Decimal]) -> bool:
    return all(_allocatable(node, name) >= amount for name, amount in requested.items())


def _allocatable(node: Any, resource: str) -> Decimal:
    return Decimal(parse_quantity((node.status.allocatable or {}).get(resource, 0)))


def _matches(node: Any, selector: Mapping[str, str]) -> bool:
    labels = node.metadata.labels or {}
    return all(labels.get(name) == value for name, value in selector.items())


def _taints(node: Any, tolerated: Sequence[str]) -> list[str]:
    """Returns the keys of the taints that repel a pod."""
    taints = node.spec.taints or []
    return [each.key for each in taints if each.effect in _EFFECTS and each.key not in tolerated]
