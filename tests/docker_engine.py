"""A real Docker engine for tests, and a base image for it that comes from no hub.

The processes of a test run that runs several (`pytest -n 2`) share one engine.
"""

import fcntl
import os
import secrets
import shutil
import socket
import subprocess
import tempfile
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

SUITE = "bookworm"
PACKAGES = "ca-certificates,python3,python3-venv"
# Beside the machine's own: no rule of its firewall is touched. A container that needs the world
# takes the host's network.
_ALONE = ("--iptables=false", "--ip6tables=false", "--ip-forward=false", "--ip-masq=false")
_BRIDGE = "docker0"
_FOLDER = "beltline-docker-{}"
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
    with _shared() as own:
        yield own


@contextmanager
def _shared() -> Iterator[Engine]:
    """Yields an engine of the test run's own: who comes first starts it, who is last ends it."""
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID") or secrets.token_hex(4)
    folder = Path(tempfile.gettempdir()) / _FOLDER.format(run[:8])
    with locked("engine"):
        own = _started(folder)
        users = (folder / "users").open("w")
        fcntl.flock(users, fcntl.LOCK_SH)
    try:
        yield own
    finally:
        with locked("engine"), users:
            if _is_last(users.fileno()):
                _stop(folder)


def _is_last(users: int) -> bool:
    """Says whether nobody else holds this file."""
    try:
        fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _started(folder: Path) -> Engine:
    """Returns the engine of this folder, and starts it if it doesn't run yet."""
    own = Engine(f"unix://{folder}/socket")
    if folder.exists():
        return own
    program = shutil.which("dockerd", path=f"{os.environ['PATH']}:/usr/sbin")
    if not program:
        pytest.skip("no Docker engine answers, and there is no dockerd (Debian: docker.io)")
    if os.geteuid() != 0:
        pytest.skip("no Docker engine answers, and only root can start one")
    folder.mkdir()
    if _has_bridge():
        (folder / "bridged").touch()
    places = [f"--data-root={folder}/data", f"--exec-root={folder}/exec"]
    places += [f"--pidfile={folder}/pid", f"--host={own.host}"]
    with (folder / "log").open("ab") as log:
        process = subprocess.Popen([program, *places, *_ALONE], stdout=log, stderr=log)
    _wait_for(own, process, folder / "log")
    return own


def _stop(folder: Path) -> None:
    """Ends the engine of this folder, with all that it made."""
    process = psutil.Process(int((folder / "pid").read_text()))
    process.terminate()
    _wait_for_end(process)
    bridged = (folder / "bridged").exists()
    # A container that had the machine's network leaves it mounted.
    unmount_below(folder)
    shutil.rmtree(folder)
    # Another test run's engine has come to rely on it.
    others = list(folder.parent.glob(_FOLDER.format("*")))
    if _has_bridge() and not bridged and not others:
        subprocess.run(["ip", "link", "delete", _BRIDGE], check=True)


def _wait_for_end(process: psutil.Process) -> None:
    """Waits for a process that another one has started, and may not have been told of its end."""
    deadline = time.monotonic() + 60
    with suppress(psutil.NoSuchProcess):
        while process.status() != psutil.STATUS_ZOMBIE:
            assert time.monotonic() < deadline, "the Docker engine doesn't end"
            time.sleep(0.1)


def unmount_below(folder: Path) -> None:
    """Unmounts what is mounted below a folder, the innermost first."""
    every = [line.split()[1] for line in Path("/proc/mounts").read_text().splitlines()]
    for mounted in sorted(every, reverse=True):
        if mounted.startswith(f"{folder}/"):
            subprocess.run(["umount", mounted], check=True)


def _has_bridge() -> bool:
    return _BRIDGE in {name for _, name in socket.if_nameindex()}


def _wait_for(own: Engine, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 60
    while not own.answers:
        if process.poll() is not None:
            said = log.read_text().splitlines()[-1]
            shutil.rmtree(log.parent)
            pytest.skip(f"no Docker engine can run here: {said}")
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.2)


@contextmanager
def base_image(docker: Engine) -> Iterator[str]:
    """Imports a bare Debian with Python 3, and yields the image's name."""
    name = f"beltline-test-base:{secrets.token_hex(4)}"
    with locked("base"):
        archive = _root_filesystem()
    docker("import", archive, name)
    try:
        yield name
    finally:
        docker("image", "rm", "--force", name)


def _root_filesystem() -> Path:
    """Returns the archive of a bare Debian; it is made once and kept among the user's caches."""
    archive = cache() / f"{SUITE}-{zlib.crc32(PACKAGES.encode()):08x}.tar"
    if archive.exists():
        return archive
    program = shutil.which("debootstrap", path=f"{os.environ['PATH']}:/usr/sbin")
    if not program or os.geteuid() != 0:
        pytest.skip("a base image needs debootstrap (Debian: debootstrap), run by root")
    with tempfile.TemporaryDirectory(prefix="beltline-debian-") as folder:
        made = [program, "--variant=minbase", f"--include={PACKAGES}", SUITE, folder]
        done = subprocess.run(made, capture_output=True, text=True)
        if done.returncode:
            said = (done.stdout + done.stderr).splitlines()
            pytest.skip(f"debootstrap made no base image: {said[-1]}")
        # An environment that lies in there may be for every user.
        (Path(folder) / "root").chmod(0o755)
        staged = cache() / f"{secrets.token_hex(4)}.part"
        leave = [f"--exclude={pattern}" for pattern in _UNUSED]
        subprocess.run(["tar", "-C", folder, *leave, "-cf", staged, "."], check=True)
    return staged.replace(archive)


def cache() -> Path:
    """Returns the folder that is kept from one test run to the next."""
    folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "beltline-tests"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@contextmanager
def locked(name: str) -> Iterator[None]:
    """Lets one process of the tests through at a time."""
    with (cache() / f"{name}.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
