"""An engine behind a job service, and a pool of our workers, on 127.0.0.1.

The engine is Prism, Beam's own, which is started here; or the one whose job service
`BELTLINE_TEST_JOB_SERVER` names, such as Flink's. That must reach the pool at 127.0.0.1.
"""

import os
import re
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

ROOT = Path(__file__).parents[2]
ELSEWHERE = os.environ.get("BELTLINE_TEST_JOB_SERVER", "")


class Engine:
    """A job service and a worker pool, each a process of its own."""

    def __init__(self, folder: Path, sources: Path = ROOT / "src"):
        self.prism: subprocess.Popen[bytes] | None = None
        self.endpoint = ELSEWHERE or self._start_prism(folder / "prism.log")
        self.log = folder / "pool.log"
        pool = [sys.executable, "-m", "beltline.runners.beam.pool", "--port", "0"]
        self.pool = _start(pool, self.log, {"PYTHONPATH": str(sources)})
        self.workers = self._wait_for(r"worker pool at (\S+);", self.log, self.pool)

    def _start_prism(self, log: Path) -> str:
        program = shutil.which("prism")
        if not program:
            pytest.skip("Prism is not installed")
        port = _free_port()
        # Its page is not wanted.
        words = [program, "-job_port", str(port), "-serve_http=false", "-log_kind", "text"]
        self.prism = _start(words, log)
        self._wait_for('level=INFO msg="Serving JobManagement"', log, self.prism)
        return f"127.0.0.1:{port}"

    def on(self, *nodes: str) -> tuple[str, ...]:
        """Returns the settings that send nodes here; without any, all of them."""
        where = {"endpoint": self.endpoint, "workers": self.workers}
        sets = [f"beam.portable.{key}={value}" for key, value in where.items()]
        sets += [f"beam.nodes.{node}=portable" for node in nodes] or ["beam.runner=portable"]
        return tuple(word for each in sets for word in ("--set", each))

    def started(self) -> list[int]:
        """Returns the processes of the workers that were started so far."""
        return [int(pid) for pid in re.findall(r"started as process (\d+)", self.log.read_text())]

    def close(self) -> list[psutil.Process]:
        """Ends both; returns the workers that have outlived the pool."""
        workers = [psutil.Process(pid) for pid in self.started() if psutil.pid_exists(pid)]
        for process in filter(None, (self.pool, self.prism)):
            process.terminate()
            process.wait(20)
        _, alive = psutil.wait_procs(workers, timeout=10)
        return alive

    @staticmethod
    def _wait_for(pattern: str, log: Path, process: subprocess.Popen[bytes]) -> str:
        end = time.monotonic() + 60
        while not (found := re.search(pattern, log.read_text())):
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < end, log.read_text()
            time.sleep(0.05)
        return found[found.lastindex or 0]


def _start(
    words: list[str], log: Path, environment: dict[str, str] | None = None
) -> subprocess.Popen[bytes]:
    with log.open("wb") as file:
        return subprocess.Popen(
            words, env=os.environ | (environment or {}), stdout=file, stderr=file
        )


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])
