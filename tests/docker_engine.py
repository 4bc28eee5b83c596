"""A real Docker engine for tests, and a base image for it that comes from no hub."""

import os
import secrets
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

SUITE = "bookworm"
PACKAGES = "ca-certificates,python3"
# Beside the machine's own: no rule of its firewall is touched. A container that needs the world
# takes the host's network.
_ALONE = ("--iptables=false", "--ip6tables=false", "--ip-forward=false", "--ip-masq=false")
_BRIDGE = "docker0"
_UNUSED = ("./var/cache/apt/archives/*.deb", "./var/lib/apt/lists/*")


@dataclass(frozen=True)
class Engine:
    """A Docker engine; `host` is what goes into DOCKER_HOST."""

    host: str

    def __call__(self, *words: str | Path) -> str:
        """Runs `docker` with these words, which must succeed; returns what it printed."""
        done = self.ask(*words)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout.strip()

    def ask(self, *words: str | Path) -> subprocess.CompletedProcess[str]:
        """Runs `docker` with these words."""
        command = ["docker", "--host", self.host, *map(str, words)]
        return subprocess.run(command, capture_output=True, text=True)

    @property
    def answers(self) -> bool:
        return self.ask("version").returncode == 0


@contextmanager
def engine() -> Iterator[Engine]:
    """Finds the engine that answers already, or starts one; else skips the test."""
    if not shutil.which("docker"):
        pytest.skip("Docker is not installed (Debian: docker.io)")
    endpoint = ["docker", "context", "inspect", "--format", "{{.Endpoints.docker.Host}}"]
    found = Engine(subprocess.run(endpoint, capture_output=True, text=True).stdout.strip())
    if found.answers:
        yield found
        return
    with _started() as own:
        yield own


@contextmanager
def _started() -> Iterator[Engine]:
    """Starts an engine with folders of its own, which end with it."""
    program = shutil.which("dockerd", path=f"{os.environ['PATH']}:/usr/sbin")
    if not program:
        pytest.skip("no Docker engine answers, and there is no dockerd (Debian: docker.io)")
    if os.geteuid() != 0:
        pytest.skip("no Docker engine answers, and only root can start one")
    folder, bridged = Path(tempfile.mkdtemp(prefix="beltline-docker-")), _has_bridge()
    places = [f"--data-root={folder}/data", f"--exec-root={folder}/exec"]
    places += [f"--pidfile={folder}/pid", f"--host=unix://{folder}/socket"]
    with (folder / "log").open("ab") as log:
        process = subprocess.Popen([program, *places, *_ALONE], stdout=log, stderr=log)
    try:
        own = Engine(f"unix://{folder}/socket")
        _wait_for(own, process, folder / "log")
        yield own
    finally:
        process.terminate()
        process.wait(60)
        shutil.rmtree(folder)
        if _has_bridge() and not bridged:
            subprocess.run(["ip", "link", "delete", _BRIDGE], check=True)


def _has_bridge() -> bool:
    return _BRIDGE in {name for _, name in socket.if_nameindex()}


def _wait_for(own: Engine, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 60
    while not own.answers:
        if process.poll() is not None:
            pytest.skip(f"no Docker engine can run here: {log.read_text().splitlines()[-1]}")
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.2)


@contextmanager
def base_image(docker: Engine) -> Iterator[str]:
    """Imports a bare Debian with Python 3, and yields the image's name."""
    name = f"beltline-test-base:{secrets.token_hex(4)}"
    docker("import", _root_filesystem(), name)
    try:
        yield name
    finally:
        docker("image", "rm", "--force", name)


def _root_filesystem() -> Path:
    """Returns the archive of a bare Debian; it is made once and kept among the user's caches."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "beltline-tests"
    archive = cache / f"{SUITE}.tar"
    if archive.exists():
        return archive
    program = shutil.which("debootstrap", path=f"{os.environ['PATH']}:/usr/sbin")
    if not program or os.geteuid() != 0:
        pytest.skip("a base image needs debootstrap (Debian: debootstrap), run by root")
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="beltline-debian-") as folder:
        made = [program, "--variant=minbase", f"--include={PACKAGES}", SUITE, folder]
        done = subprocess.run(made, capture_output=True, text=True)
        if done.returncode:
            said = (done.stdout + done.stderr).splitlines()
            pytest.skip(f"debootstrap made no base image: {said[-1]}")
        # An environment that lies in there may be for every user.
        (Path(folder) / "root").chmod(0o755)
        staged = cache / f"{secrets.token_hex(4)}.part"
        leave = [f"--exclude={pattern}" for pattern in _UNUSED]
        subprocess.run(["tar", "-C", folder, *leave, "-cf", staged, "."], check=True)
    return staged.replace(archive)
