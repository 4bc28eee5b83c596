"""The metrics server, which the autoscaler asks for the CPU of pods: a process of the node.

The API server hands `metrics.k8s.io` on to it, as to any aggregated API.
"""

from typing import Any

import yaml

from tests.cluster.node import ADDRESS, Node, kubectl, wait

NAME, PLACE, PORT = "metrics-server", "kube-system", 4443


def start(node: Node) -> None:
    """Starts it, and waits until the cluster has the node's metrics."""
    kubeconfig = node.kubeconfig
    node.start(
        *("metrics", node.programs.metrics, f"--kubeconfig={kubeconfig}"),
        f"--authentication-kubeconfig={kubeconfig}",
        f"--authorization-kubeconfig={kubeconfig}",
        *(f"--secure-port={PORT}", f"--cert-dir={node.folder}/metrics"),
        *("--kubelet-insecure-tls", "--kubelet-preferred-address-types=InternalIP"),
        *("--metric-resolution=10s", "--kubelet-request-timeout=5s"),
    )
    kubectl(kubeconfig, "apply", "-f", "-", given=yaml.safe_dump_all(_objects()))
    wait(node, "the metrics server", lambda: kubectl(kubeconfig, "top", "node"))


def _objects() -> list[dict[str, Any]]:
    where = {"name": NAME, "namespace": PLACE}
    labels = {"kubernetes.io/service-name": NAME}
    return [
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": where,
            "spec": {"ports": [{"port": 443, "targetPort": PORT}]},
        },
        {
            "apiVersion": "discovery.k8s.io/v1",
            "kind": "EndpointSlice",
            "metadata": where | {"labels": labels},
            "addressType": "IPv4",
            "ports": [{"name": "", "port": PORT, "protocol": "TCP"}],
            "endpoints": [{"addresses": [ADDRESS], "conditions": {"ready": True}}],
        },
        {
            "apiVersion": "apiregistration.k8s.io/v1",
            "kind": "APIService",
            "metadata": {"name": "v1beta1.metrics.k8s.io"},
            "spec": {
                "group": "metrics.k8s.io",
                "version": "v1beta1",
                "service": {**where, "port": 443},
                "insecureSkipTLSVerify": True,
                "groupPriorityMinimum": 100,
                "versionPriority": 100,
            },
        },
    ]
