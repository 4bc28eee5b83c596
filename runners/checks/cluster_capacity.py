"""The cluster's machines: does each node of the pipeline fit one of them?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from kubernetes.utils import parse_quantity

from beltline.runners.checks.finding import Problem
from beltline.runners.checks.machine import GIB

_KEEPS_OFF = ("NoSchedule", "NoExecute")
_SHOWN = 3


@dataclass(frozen=True)
class Ask:
    """What one node asks for; None where it leaves that open."""

    node: str
    cpu: float | None = None
    memory: str | None = None
    gpu: int = 0

    def quantities(self, accelerator: str) -> dict[str, Decimal]:
        """Returns what it asks for, by the resource's name."""
        # As the package says it: the float 1.1 is a little more than the 1100m that it stands for.
        cpu = f"{self.cpu:g}" if self.cpu else None
        asked = {"cpu": cpu, "memory": self.memory, accelerator: self.gpu}
        return {name: Decimal(parse_quantity(each)) for name, each in asked.items() if each}


@dataclass(frozen=True)
class Needs:
    """What the nodes ask for, and where those with a GPU may run."""

    asks: Sequence[Ask]
    accelerator: str
    node_selector: Mapping[str, str]
    tolerations: Sequence[str]


def check(machines: Sequence[Any], needs: Needs) -> str:
    """Returns how many machines there are; Problem where a node fits none of them."""
    _some(machines, "the cluster shows no machine", f"start one{_FROM_NONE}")
    # What asks for next to nothing needs a machine that no taint bars, too.
    for ask in (*needs.asks, Ask("report")):
        _check_one(machines, needs, ask)
    gpus = sum(_has(each, needs.accelerator) for each in machines)
    return f"{len(machines)} machines, {gpus} {needs.accelerator}; every node fits"


def _check_one(machines: Sequence[Any], needs: Needs, ask: Ask) -> None:
    """Goes through what may stand in the way, so that the message names the first that does."""
    asked = ask.quantities(needs.accelerator)
    if ask.gpu:
        machines = [each for each in machines if _has(each, needs.accelerator) >= ask.gpu]
        wanted = f"{ask.gpu} {needs.accelerator}"
        fix = f"correct `resources.{ask.node}.gpu` or `kubeflow.accelerator`{_FROM_NONE}"
        _some(machines, f"no machine has {wanted}, which {ask.node} asks for", fix)
        machines = [each for each in machines if _selected(each, needs.node_selector)]
        labels = ", ".join(f"{name}={value}" for name, value in needs.node_selector.items())
        fix = f"correct `kubeflow.node_selector`{_FROM_NONE}"
        _some(machines, f"no machine with {wanted} has the labels {labels}", fix)
    tolerated = needs.tolerations if ask.gpu else ()
    open_to = [each for each in machines if not _taints(each, tolerated)]
    if not open_to and machines:
        found = sorted({taint for each in machines for taint in _taints(each, tolerated)})
        fix = "add it to `kubeflow.tolerations`" if ask.gpu else "free a machine of its taint"
        shown = f"a taint keeps {ask.node} off every machine that fits ({', '.join(found)})"
        raise Problem(shown, fix)
    fitting = [each for each in open_to if all(_has(each, name) >= asked[name] for name in asked)]
    shown = f"no machine has room for {ask.node} ({_shown(ask)}), but {_rooms(open_to)}"
    _some(fitting, shown, f"ask for less in `resources.{ask.node}`")


_FROM_NONE = "; a group of machines that is scaled from none shows none: start one"


def _some(machines: Sequence[Any], problem: str, fix: str) -> None:
    if not machines:
        raise Problem(problem, fix)


def _shown(ask: Ask) -> str:
    parts = [f"{ask.cpu:g} CPU" if ask.cpu else "", ask.memory or ""]
    parts.append(f"{ask.gpu} GPU" if ask.gpu else "")
    return ", ".join(part for part in parts if part)


def _rooms(machines: Sequence[Any]) -> str:
    """Returns how large the machines are, the one with the most memory first."""
    found = sorted({(_has(each, "memory"), _has(each, "cpu")) for each in machines}, reverse=True)
    return "; ".join(
        f"{float(cpu):g} CPU and {memory / GIB:.2f} GiB" for memory, cpu in found[:_SHOWN]
    )


def _has(machine: Any, resource: str) -> Decimal:
    return Decimal(parse_quantity((machine.status.allocatable or {}).get(resource, 0)))


def _selected(machine: Any, selector: Mapping[str, str]) -> bool:
    labels = machine.metadata.labels or {}
    return all(labels.get(name) == value for name, value in selector.items())


def _taints(machine: Any, tolerated: Sequence[str]) -> list[str]:
    """Returns the keys of the taints that keep a pod off."""
    taints = machine.spec.taints or []
    return [each.key for each in taints if each.effect in _KEEPS_OFF and each.key not in tolerated]
