"""A scheduler and workers without nannies, each a process of its own that a test may kill."""

import json
import subprocess
import sys
import time
from pathlib import Path

from distributed import Client
from distributed.security import Security

_TLS = ("tls_ca_file", "tls_client_cert", "tls_client_key")


class Cluster:
    """Ends its processes when it is closed."""

    def __init__(self, folder: Path, workers: int = 2, certificates: Path | None = None):
        self._file = folder / "scheduler.json"
        self._tls: list[str | Path] = []
        security = None
        if certificates:
            files = [certificates / name for name in ("ca.pem", "server.pem", "server.key")]
            for option, file in zip(("ca-file", "cert", "key"), files, strict=True):
                self._tls += [f"--tls-{option}", file]
            names = dict(zip(_TLS, map(str, files), strict=True))
            security = Security(require_encryption=True, **names)
        more = ["--protocol", "tls"] if certificates else []
        self.scheduler = self._start(
            "dask_scheduler", "--port", "0", "--no-dashboard", "--scheduler-file", self._file, *more
        )
        while not (self._file.exists() and self._file.read_text()):
            assert self.scheduler.poll() is None
            time.sleep(0.05)
        self.address = json.loads(self._file.read_text())["address"]
        self.workers = [self.add_worker() for _ in range(workers)]
        self._security = security
        if workers:
            self.wait(workers)

    def wait(self, workers: int) -> None:
        """Waits until the scheduler has so many workers."""
        with Client(self.address, set_as_default=False, security=self._security) as client:
            client.wait_for_workers(workers, timeout=60)

    def add_worker(self) -> subprocess.Popen:
        return self._start(
            "dask_worker", self.address, "--no-nanny", "--nthreads", "1", "--no-dashboard"
        )

    def close(self) -> None:
        for process in (*self.workers, self.scheduler):
            process.kill()
            process.wait()

    def _start(self, module: str, *arguments) -> subprocess.Popen:
        command = [sys.executable, "-m", f"distributed.cli.{module}", "--host", "127.0.0.1"]
        return subprocess.Popen([*command, *map(str, (*self._tls, *arguments))])
