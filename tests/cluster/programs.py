"""The programs of a cluster on this machine: Kubernetes from its Go module, the rest from Debian.

They are built once and kept in `build/cluster`, by the digest of their sources.
"""

import hashlib
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

VERSION = "v1.34.4"
# Enforces network policies.
ROUTER = "github.com/cloudnativelabs/kube-router/v2/cmd/kube-router@v2.1.0"
DNS = "github.com/coredns/coredns@v1.15.0"
# Tells the autoscaler what pods use.
METRICS = "sigs.k8s.io/metrics-server/cmd/metrics-server@v0.9.0"
MODULES = (ROUTER, METRICS, DNS)
SOURCES = Path(__file__).parent / "kubernetes"
KEPT = Path(__file__).parents[2] / "build" / "cluster"
# By the Debian package that has them; the last ones are those of Docker's tests, too.
DEBIAN = {
    "etcd": "etcd-server",
    "conntrack": "conntrack",
    "/usr/lib/cni/bridge": "containernetworking-plugins",
    "containerd": "containerd",
    "runc": "runc",
    "ipset": "ipset",
    "iptables": "iptables",
    "ip": "iproute2",
    "nsenter": "util-linux",
}


@dataclass(frozen=True)
class Programs:
    """Where the programs are that were built."""

    kubernetes: Path
    pause: Path
    router: Path
    metrics: Path
    dns: Path


def missing() -> str:
    """Returns why no cluster can be made here, empty if one can."""
    if os.geteuid() != 0:
        return "only root can start a cluster here; or set KUBECONFIG to one"
    if not shutil.which("go"):
        return "Go is not installed (1.24 or later), which builds Kubernetes; or set KUBECONFIG"
    path = f"{os.environ['PATH']}:/usr/sbin:/sbin"
    lacks = [package for name, package in DEBIAN.items() if not shutil.which(name, path=path)]
    return f"not installed: {', '.join(sorted(lacks))} (Debian); or set KUBECONFIG" if lacks else ""


def programs() -> Programs:
    """Builds the programs unless they are kept from before, and returns where they are."""
    folder = KEPT / _digest()
    if not folder.exists():
        staged = folder.with_suffix(".new")
        staged.mkdir(parents=True, exist_ok=True)
        for name, package in (("kubernetes", "."), ("pause", "./pause")):
            _build(package, staged / name)
        for module in MODULES:
            _go("install", module, GOBIN=str(staged))
        staged.rename(folder)
    names = ("kubernetes", "pause", "kube-router", "metrics-server", "coredns")
    return Programs(*(folder / name for name in names))


def _build(package: str, to: Path) -> None:
    where = "k8s.io/component-base/version"
    major, minor, _ = VERSION.removeprefix("v").split(".")
    stamps = {"gitVersion": VERSION, "gitMajor": major, "gitMinor": minor}
    flags = " ".join(["-s -w", *(f"-X {where}.{name}={value}" for name, value in stamps.items())])
    _go("build", "-trimpath", "-ldflags", flags, "-o", to, package)


def _go(*words: str | Path, **environment: str) -> None:
    environment = {**os.environ, "CGO_ENABLED": "0", **environment}
    subprocess.run(["go", *words], cwd=SOURCES, env=environment, check=True)


def _digest() -> str:
    whole = hashlib.sha256(" ".join(MODULES).encode())
    for file in sorted(SOURCES.rglob("*")):
        if file.is_file():
            whole.update(file.read_bytes())
    return whole.hexdigest()[:16]
