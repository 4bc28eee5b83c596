"""One node with the whole of Kubernetes on it, in namespaces of this process's own.

`make test-cluster` starts pytest in namespaces for the network, mounts and processes: servers
listen in its network, what a kubelet mounts is seen by nobody else, and when pytest ends, however
it ends, everything ends with it. What no namespace has (some of the kernel's settings, control
groups) is kept from the kubelet or removed.
"""

import secrets
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tests.cluster import certificates, configuration
from tests.cluster.programs import Programs
from tests.docker_engine import unmount_below

ADDRESS = "10.77.0.1"
NODE = "node"
SERVICES = "10.96.0.0/16"
# What the kubelet would set in the kernel of the whole machine.
KERNEL = {
    "vm/overcommit_memory": "1",
    "vm/panic_on_oom": "0",
    "kernel/panic": "10",
    "kernel/panic_on_oops": "1",
    "kernel/keys/root_maxkeys": "1000000",
    "kernel/keys/root_maxbytes": "25000000",
}
GROUPS = Path("/sys/fs/cgroup")


@dataclass
class Node:
    """The node's folder, programs and processes."""

    folder: Path
    programs: Programs
    token: str = field(default_factory=lambda: secrets.token_hex(16))
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def kubeconfig(self) -> Path:
        """The file with the cluster's address and the administrator's token."""
        return self.folder / "kubeconfig"

    @property
    def containerd(self) -> Path:
        """The socket of containerd."""
        return self.folder / "containerd.sock"

    def start(self, name: str, *command: str | Path) -> None:
        """Starts a process that is to run as long as the node; its log is `<name>.log`."""
        with (self.folder / f"{name}.log").open("ab") as log:
            self.processes[name] = subprocess.Popen(
                [str(word) for word in command], stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )

    def log(self, name: str) -> str:
        """Returns the end of a process's log."""
        return (self.folder / f"{name}.log").read_text(errors="replace")[-4000:]

    def check_processes(self) -> None:
        """Fails if a process has ended, with the end of its log."""
        for name, process in self.processes.items():
            assert process.poll() is None, (
                f"{name} ended with {process.returncode}:\n{self.log(name)}"
            )


@contextmanager
def node(folder: Path, programs: Programs) -> Iterator[Node]:
    """Starts a node, and ends it with all that it made."""
    made = Node(folder, programs)
    groups = set(GROUPS.glob("*/*"))
    try:
        _network()
        _keep_kernel(folder)
        _control_plane(made)
        _worker(made)
        yield made
    finally:
        _stop(made)
        # Of pods that were still ending, and of the containers' file systems.
        unmount_below(folder)
        _remove_groups(set(GROUPS.glob("*/*")) - groups)


def _network() -> None:
    """Gives the namespace an address, and a default route that leads nowhere."""
    for words in (
        "link set lo up",
        f"address add {ADDRESS}/32 dev lo",
        "link add nowhere type bridge",
        "address add 10.78.0.1/24 dev nowhere",
        "link set nowhere up",
        "route add default via 10.78.0.2",
    ):
        subprocess.run(["ip", *words.split()], check=True)
    Path("/proc/sys/net/ipv4/ip_forward").write_text("1")
    # What pods of one node tell each other goes past the policies too.
    Path("/proc/sys/net/bridge/bridge-nf-call-iptables").write_text("1")


def _keep_kernel(folder: Path) -> None:
    """Shows the kubelet the settings that it wants, so that it leaves the machine's alone."""
    for name, value in KERNEL.items():
        shown = folder / name.replace("/", "-")
        shown.write_text(f"{value}\n")
        subprocess.run(["mount", "--bind", shown, f"/proc/sys/{name}"], check=True)


def _control_plane(node: Node) -> None:
    folder, kubernetes = node.folder, node.programs.kubernetes
    (folder / "tokens.csv").write_text(f"{node.token},admin,admin,system:masters\n")
    private, public = certificates.accounts(folder)
    node.kubeconfig.write_text(yaml.safe_dump(configuration.kubeconfig(ADDRESS, node.token)))
    node.start(
        *("etcd", "etcd", "--data-dir", folder / "etcd", "--unsafe-no-fsync"),
        *("--listen-client-urls", "http://127.0.0.1:2379"),
        *("--advertise-client-urls", "http://127.0.0.1:2379"),
        *("--listen-peer-urls", "http://127.0.0.1:2380"),
    )
    node.start(
        *("apiserver", kubernetes, "apiserver", "--etcd-servers=http://127.0.0.1:2379"),
        *(f"--cert-dir={folder}/certificates", f"--advertise-address={ADDRESS}"),
        *(f"--token-auth-file={folder}/tokens.csv", "--authorization-mode=RBAC"),
        *(f"--service-cluster-ip-range={SERVICES}", "--allow-privileged=true"),
        "--service-account-issuer=https://kubernetes.default.svc",
        f"--service-account-key-file={public}",
        f"--service-account-signing-key-file={private}",
        "--kubelet-preferred-address-types=InternalIP",
        *certificates.aggregation(folder),
        # Debian's etcd is older than what a watch-list needs.
        "--feature-gates=WatchList=false",
    )
    wait(node, "the API server", lambda: kubectl(node.kubeconfig, "get", "--raw", "/readyz"))
    common = [f"--kubeconfig={node.kubeconfig}", "--leader-elect=false"]
    node.start(
        *("controllers", kubernetes, "controllers", *common),
        f"--service-account-private-key-file={private}",
        f"--root-ca-file={folder}/certificates/apiserver.crt",
    )
    node.start("scheduler", kubernetes, "scheduler", *common)


def _worker(node: Node) -> None:
    folder, kubernetes = node.folder, node.programs.kubernetes
    configuration.write_runtime(folder, node.containerd)
    node.start("containerd", "containerd", "--config", folder / "containerd.toml")
    wait(node, "containerd", lambda: ctr(node, "version"))
    (folder / "kubelet.yaml").write_text(
        yaml.safe_dump(configuration.kubelet(folder, node.containerd, ADDRESS))
    )
    node.start(
        *("kubelet", kubernetes, "kubelet", f"--kubeconfig={node.kubeconfig}"),
        *(f"--config={folder}/kubelet.yaml", f"--root-dir={folder}/kubelet"),
        *(f"--hostname-override={NODE}", f"--node-ip={ADDRESS}"),
    )
    node.start(
        *("proxy", kubernetes, "proxy", f"--kubeconfig={node.kubeconfig}"),
        *(
            f"--hostname-override={NODE}",
            f"--cluster-cidr={configuration.PODS}",
            "--proxy-mode=iptables",
        ),
        *("--conntrack-max-per-core=0", "--conntrack-tcp-timeout-established=0"),
        "--conntrack-tcp-timeout-close-wait=0",
    )
    wait(node, "the node", lambda: _is_ready(node.kubeconfig))
    # It asks for its node as it starts.
    node.start(
        *("router", node.programs.router, f"--kubeconfig={node.kubeconfig}"),
        *("--run-firewall=true", "--run-router=false", "--run-service-proxy=false"),
        *(f"--hostname-override={NODE}", f"--service-cluster-ip-range={SERVICES}"),
        # Beside the machine's own, which are the defaults.
        *("--health-port=20344", "--metrics-port=0"),
    )


def ctr(node: Node, *words: str | Path) -> str:
    """Runs containerd's `ctr` for Kubernetes' images; returns what it printed."""
    command = ["ctr", "--address", node.containerd, "--namespace", "k8s.io", *words]
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(done.stderr)
    return done.stdout


def kubectl(kubeconfig: Path, *words: str | Path, given: str = "") -> str:
    """Runs kubectl, which must succeed; returns what it printed."""
    program = Path(sys.executable).with_name("kubectl")
    done = subprocess.run(
        [program, f"--kubeconfig={kubeconfig}", *map(str, words)],
        input=given,
        capture_output=True,
        text=True,
    )
    if done.returncode != 0:
        raise RuntimeError(f"kubectl {' '.join(map(str, words))}: {done.stderr}")
    return done.stdout


def _is_ready(kubeconfig: Path) -> None:
    condition = "{.status.conditions[?(@.type=='Ready')].status}"
    if kubectl(kubeconfig, "get", "node", NODE, "-o", f"jsonpath={condition}") != "True":
        raise RuntimeError("not ready")


def wait(node: Node, what: str, ask: Any, seconds: float = 120) -> None:
    """Asks until it raises no RuntimeError; fails after that time, or where a process has ended."""
    end = time.monotonic() + seconds
    while True:
        node.check_processes()
        try:
            ask()
            return
        except RuntimeError as error:
            assert time.monotonic() < end, f"{what} doesn't come: {error}"
            time.sleep(0.3)


def _stop(node: Node) -> None:
    for name in (
        "dns",
        "metrics",
        "router",
        "kubelet",
        "proxy",
        "scheduler",
        "controllers",
        "apiserver",
        "etcd",
        "containerd",
    ):
        if process := node.processes.get(name):
            process.terminate()
    for process in node.processes.values():
        with suppress(subprocess.TimeoutExpired):
            process.wait(20)
        process.kill()


def _remove_groups(groups: set[Path]) -> None:
    """Removes the control groups that were added; those of a process that is ending stay."""
    for group in groups:
        for each in sorted(group.rglob("*"), reverse=True):
            if each.is_dir():
                with suppress(OSError):
                    each.rmdir()
        with suppress(OSError):
            group.rmdir()
