"""Objects of a cluster as its API has them, made of the client's own models."""

import base64
from typing import Any

from kubernetes import client
from kubernetes.client import V1ObjectMeta

NAMESPACE = "team-a"
# What is in every secret.
VALUE = "planted-value-of-a-secret"
ENCODED = base64.b64encode(VALUE.encode()).decode()


def named(name: str, namespace: str | None = NAMESPACE) -> V1ObjectMeta:
    """An object's name and namespace."""
    return V1ObjectMeta(name=name, namespace=namespace)


def namespace(name: str = NAMESPACE) -> Any:
    """A namespace."""
    return client.V1Namespace(metadata=named(name, None))


def secret(name: str, *keys: str) -> Any:
    """A secret with these keys."""
    return client.V1Secret(metadata=named(name), data=dict.fromkeys(keys, ENCODED) or None)


def config_map(name: str, of: str, **data: str) -> Any:
    """A ConfigMap."""
    return client.V1ConfigMap(metadata=named(name, of), data=data or None)


def account(name: str, of: str = NAMESPACE) -> Any:
    """A service account."""
    return client.V1ServiceAccount(metadata=named(name, of))


def claim(phase: str = "Bound", mode: str = "ReadWriteMany", name: str = "shared") -> Any:
    """A claim on a volume of 50 GiB."""
    bound = phase == "Bound"
    return client.V1PersistentVolumeClaim(
        metadata=named(name),
        spec=client.V1PersistentVolumeClaimSpec(access_modes=[mode]),
        status=client.V1PersistentVolumeClaimStatus(
            phase=phase,
            access_modes=[mode] if bound else None,
            capacity={"storage": "50Gi"} if bound else None,
        ),
    )


def machine(
    cpu: str = "8",
    memory: str = "32Gi",
    labels: dict[str, str] | None = None,
    taints: tuple[tuple[str, str], ...] = (),
    **resources: str,
) -> Any:
    """A machine; `taints` are keys and effects, `resources` what it has by other names."""
    marks = [client.V1Taint(key=key, effect=effect) for key, effect in taints]
    return client.V1Node(
        metadata=V1ObjectMeta(name="machine", labels=labels),
        spec=client.V1NodeSpec(taints=marks or None),
        status=client.V1NodeStatus(allocatable={"cpu": cpu, "memory": memory, **resources}),
    )
