"""Starts the components of Airflow, says when they answer, and ends all that they started."""

import ctypes
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from types import FrameType

START = Path(__file__).with_name("start.sh")
COMPONENTS = ("scheduler", "dag-processor", "api-server", "triggerer")
SECONDS_TO_ANSWER = 180
SECONDS_TO_END = 15
PR_SET_CHILD_SUBREAPER = 36


class Stopped(Exception):
    """Ctrl-C, or SIGTERM."""


def main() -> int:
    """Runs everything until it is stopped or a component ends; returns the exit code."""
    home, port = Path(os.environ["AIRFLOW_HOME"]), int(os.environ["AIRFLOW__API__PORT"])
    if taken(port):
        print(f"Port {port} is taken: set AIRFLOW__API__PORT to another.", file=sys.stderr)
        return 2
    prepared = subprocess.run(["/bin/sh", START, "prepare"], check=False)
    if prepared.returncode:
        return prepared.returncode
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    # Nodes lead sessions of their own: when a component dies, they become children of this process.
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    running: dict[str, subprocess.Popen[bytes]] = {}
    try:
        for name in COMPONENTS:
            running[name] = start(name, home / "logs" / f"{name}.log")
        return watch(running, home, port)
    except Stopped:
        print("Stopping.", flush=True)
        return 0
    finally:
        end_all(running)


def watch(running: dict[str, subprocess.Popen[bytes]], home: Path, port: int) -> int:
    """Says when all of it answers; returns 1 when a component ends, or the answer doesn't come."""
    deadline = time.monotonic() + SECONDS_TO_ANSWER
    answered = False
    while True:
        for name, process in running.items():
            if process.poll() is not None:
                return failed(name, f"ended with {process.returncode}", home)
        if not answered and healthy(port):
            answered = True
            greet(home, port)
        if not answered and time.monotonic() > deadline:
            return failed("api-server", f"does not answer after {SECONDS_TO_ANSWER} s", home)
        time.sleep(0.5)


def start(name: str, log: Path) -> subprocess.Popen[bytes]:
    """Starts a component as the leader of a session, so that Ctrl-C reaches this process alone."""
    with log.open("ab") as file:
        return subprocess.Popen(
            ["/bin/sh", START, name], stdout=file, stderr=file, start_new_session=True
        )


def greet(home: Path, port: int) -> None:
    """Says where everything is."""
    password = os.environ["AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE"]
    print(f"Airflow is up:  http://127.0.0.1:{port}")
    print(f"user admin, password in  {password}")
    print(f"logs in  {home / 'logs'}")
    print(f"its command line:  sh {START} dags list")
    print("Ctrl-C ends it.", flush=True)


def failed(name: str, what: str, home: Path) -> int:
    """Says which component is at fault, with the end of its log."""
    log = home / "logs" / f"{name}.log"
    lines = log.read_text(errors="replace").splitlines()[-10:]
    print(*lines, f"Airflow's {name} {what}; see {log}", sep="\n", file=sys.stderr)
    return 1


def healthy(port: int) -> bool:
    """Whether the API server answers, and says that every component is well."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/api/v2/monitor/health")
        answer = json.loads(connection.getresponse().read())
        return all(part.get("status") == "healthy" for part in answer.values())
    except (OSError, ValueError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def taken(port: int) -> bool:
    """Whether something listens on this port of 127.0.0.1."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def stop(number: int, frame: FrameType | None) -> None:
    """Turns the first signal into an exception; more of them change nothing."""
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, signal.SIG_IGN)
    raise Stopped


def end_all(running: dict[str, subprocess.Popen[bytes]]) -> None:
    """Ends the scheduler and its tasks first, while the API server can note how they ended."""
    if "scheduler" in running:
        scheduler = running["scheduler"].pid
        end([scheduler, *descendants(scheduler)], SECONDS_TO_END)
    end(list(descendants(os.getpid())), SECONDS_TO_END)
    end(list(descendants(os.getpid())), 0)


def end(pids: list[int], seconds: float) -> None:
    """Ends these processes: politely, if they get any seconds for it, else by force."""
    deadline = time.monotonic() + seconds
    signal_all(pids, signal.SIGTERM if seconds else signal.SIGKILL)
    while signal_all(pids, 0) and time.monotonic() < deadline:
        reap()
        time.sleep(0.1)


def signal_all(pids: list[int], number: int) -> bool:
    """Sends a signal, and says whether any of these processes is there to get it."""
    found = False
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, number)
            found = True
    return found


def reap() -> None:
    """Forgets the children that have ended."""
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def descendants(pid: int) -> Iterator[int]:
    """Yields the processes that this one has started, and those that they have."""
    for file in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(OSError):
            for child in map(int, file.read_text().split()):
                yield from descendants(child)
                yield child


if __name__ == "__main__":
    sys.exit(main())
