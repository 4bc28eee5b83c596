"""Who may talk to whom: network policies read as a cluster that enforces them does."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Policy = Mapping[str, Any]
_RULES = {"Ingress": ("ingress", "from"), "Egress": ("egress", "to")}


@dataclass(frozen=True)
class Place:
    """A pod, or, without a namespace, an address outside the cluster; `ports` are named ones."""

    namespace: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    namespace_labels: Mapping[str, str] = field(default_factory=dict)
    ports: Mapping[str, int] = field(default_factory=dict)


def selects(selector: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    """Whether a label selector meets these labels; an empty one meets all."""
    wanted = selector.get("matchLabels", {}).items()
    return wanted <= labels.items() and all(
        _meets(each, labels) for each in selector.get("matchExpressions", [])
    )


def _meets(expression: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    value, values = labels.get(expression["key"]), expression.get("values")
    return {
        "In": lambda: value in values,
        "NotIn": lambda: value not in values,
        "Exists": lambda: value is not None,
        "DoesNotExist": lambda: value is None,
    }[expression["operator"]]()


def may_connect(policies: Sequence[Policy], source: Place, target: Place, port: int) -> bool:
    """Whether a connection comes about: the one side may begin it, and the other lets it in."""
    return _allows(policies, "Egress", source, target, port) and _allows(
        policies, "Ingress", target, source, port
    )


def _allows(
    policies: Sequence[Policy], direction: str, own: Place, other: Place, port: int
) -> bool:
    chosen = [
        each["spec"]
        for each in policies
        if each["metadata"]["namespace"] == own.namespace
        and direction in each["spec"]["policyTypes"]
        and selects(each["spec"]["podSelector"], own.labels)
    ]
    rules, peers = _RULES[direction]
    target = own if direction == "Ingress" else other
    return not chosen or any(
        _is_among(rule.get(peers), own.namespace, other) and _is_open(rule, target, port)
        for spec in chosen
        for rule in spec.get(rules, [])
    )


def _is_among(peers: Sequence[Mapping[str, Any]] | None, namespace: str, other: Place) -> bool:
    return not peers or any(_is(peer, namespace, other) for peer in peers)


def _is(peer: Mapping[str, Any], namespace: str, other: Place) -> bool:
    assert "ipBlock" not in peer, "the manifests have none"
    if not other.namespace:
        return False
    labels = {"kubernetes.io/metadata.name": other.namespace, **other.namespace_labels}
    within = (
        selects(peer["namespaceSelector"], labels)
        if "namespaceSelector" in peer
        else other.namespace == namespace
    )
    return within and selects(peer.get("podSelector", {}), other.labels)


def _is_open(rule: Mapping[str, Any], target: Place, port: int) -> bool:
    ports = [each["port"] for each in rule.get("ports", [])]
    return not ports or port in [target.ports.get(each, each) for each in ports]
