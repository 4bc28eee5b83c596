"""The cluster's DNS: CoreDNS as a process of the node, asked by every pod."""

from urllib.request import urlopen

from tests.cluster.node import ADDRESS, Node, wait

_READY = "127.0.0.1:8181"
_CONFIGURATION = """\
. {{
    bind {address}
    errors
    ready {ready}
    kubernetes cluster.local {{
        kubeconfig {kubeconfig} test
    }}
}}
"""


def start(node: Node) -> None:
    """Starts it, and waits until it knows the cluster's services."""
    file = node.folder / "Corefile"
    file.write_text(
        _CONFIGURATION.format(address=ADDRESS, ready=_READY, kubeconfig=node.kubeconfig)
    )
    node.start("dns", node.programs.dns, "-conf", file)
    wait(node, "the DNS server", _ask)


def _ask() -> None:
    try:
        with urlopen(f"http://{_READY}/ready"):
            return
    except OSError as error:
        raise RuntimeError(str(error)) from error
