"""Objects of Kubernetes that several tests need: a namespace, and a folder as a shared volume."""

from pathlib import Path
from typing import Any

CLAIM = "beltline"


def namespace(name: str, standard: str = "restricted", **labels: str) -> dict[str, Any]:
    """Returns a namespace that enforces a Pod Security Standard."""
    enforced = {"pod-security.kubernetes.io/enforce": standard, **labels}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": enforced}}


def volume(namespace: str, folder: Path, size: str = "10Gi", claim: str = CLAIM) -> dict[str, Any]:
    """Returns a volume on a folder of the node, for a claim of that namespace."""
    # Every user comes to it, as to a volume whose group is the pods'.
    for each in (folder, *folder.parents[:3]):
        each.chmod(0o777)
    spec = _spec(size) | {
        "capacity": {"storage": size},
        "hostPath": {"path": str(folder)},
        "claimRef": {"namespace": namespace, "name": claim},
        "accessModes": ["ReadWriteMany", "ReadWriteOnce"],
    }
    del spec["resources"]
    metadata = {"name": f"{claim}-{namespace}"}
    return {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": metadata, "spec": spec}


def claim(namespace: str, size: str = "10Gi") -> dict[str, Any]:
    """Returns the claim on it."""
    metadata = {"name": CLAIM, "namespace": namespace}
    spec = _spec(size)
    return {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": metadata, "spec": spec}


def secret(namespace: str, name: str, **entries: str) -> dict[str, Any]:
    """Returns a secret."""
    metadata = {"name": name, "namespace": namespace}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": entries}


def _spec(size: str) -> dict[str, Any]:
    return {
        "accessModes": ["ReadWriteMany"],
        # Of no class: nothing provisions another volume.
        "storageClassName": "",
        "resources": {"requests": {"storage": size}},
    }
