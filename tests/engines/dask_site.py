"""A project whose nodes run on a cluster of Dask that a test may kill, process by process.

Scheduler and workers are those of `dask scheduler` and `dask worker`, forked from a process that
has imported TFX. No nanny starts a worker again: it is as if that had been killed, too.
"""

import json
import os
import shutil
import signal
import time
from pathlib import Path

import psutil
from distributed import Client
from ml_metadata.metadata_store import MetadataStore

from beltline.runners.beam.cluster import PRELOAD
from beltline.runners.metadata.connection import connection_config
from tests.beltline_process import Beltline, Call, Result
from tests.end_to_end.projects import SEEDED, casting

WORKERS = 2


class Cluster:
    """A scheduler and two workers; what was killed is started again by `mend`."""

    def __init__(self, beltline: Beltline, folder: Path):
        self._beltline = beltline
        self._folder = folder
        self._started = 0
        self.workers: list[Call] = []
        self.scheduler: Call | None = None
        self.address = ""
        self.mend()

    def mend(self) -> None:
        """Starts what is not running, and waits for it."""
        if not (self.scheduler and self.scheduler.process.is_alive()):
            self._end(self.workers)
            self.workers = []
            self._start_scheduler()
        self.workers = [each for each in self.workers if each.process.is_alive()]
        while len(self.workers) < WORKERS:
            options = ("--no-nanny", "--nthreads", "1", "--preload", PRELOAD)
            self.workers.append(self._start("dask_worker", self.address, *options))
        with Client(self.address, set_as_default=False) as client:
            client.wait_for_workers(WORKERS, timeout=60)

    def close(self) -> None:
        self._end(self.workers)
        if self.scheduler:
            self._end([self.scheduler])

    def _start_scheduler(self) -> None:
        self._started += 1
        file = self._folder / f"scheduler-{self._started}.json"
        options = ("--port", "0", "--scheduler-file", file)
        self.scheduler = self._start("dask_scheduler", *options)
        while not (file.exists() and file.read_text()):
            assert self.scheduler.process.is_alive()
            time.sleep(0.05)
        self.address = json.loads(file.read_text())["address"]

    def _start(self, module: str, *options: str | Path) -> Call:
        return self._beltline.start(
            *(*options, "--host", "127.0.0.1", "--no-dashboard"),
            cwd=self._folder,
            program=f"distributed.cli.{module}",
        )

    @staticmethod
    def _end(calls: list[Call]) -> None:
        for call in calls:
            call.process.kill()
            call.process.join()


class Site:
    """A project of casting data with one whole run in the nodes' own processes, and a cluster."""

    def __init__(self, beltline: Beltline, folder: Path):
        self.project = casting(beltline, folder / "project", rows=1500)
        result = self.project("run", *SEEDED, "--to", "Evaluator")
        assert result.code == 0, result.text
        (folder / "cluster").mkdir()
        self.cluster = Cluster(beltline, folder / "cluster")
        self._seconds: dict[str, float] = {}
        self._base = folder / "base"
        shutil.copytree(self.project.root, self._base)

    def reset(self) -> None:
        """Brings the root back to where it was after the first run, and the cluster to life."""
        shutil.rmtree(self.project.root)
        shutil.copytree(self._base, self.project.root)
        self.cluster.mend()

    def seconds(self, node: str) -> float:
        """Returns how long a node takes on the cluster when nothing dies; resets the root."""
        if node not in self._seconds:
            # The first time, the workers' first bundles take longer.
            self._seconds[node] = min(self._undisturbed(node) for _ in range(2))
        return self._seconds[node]

    def _undisturbed(self, node: str) -> float:
        call = self.start(node)
        begun = time.monotonic()
        result = call.wait()
        seconds = time.monotonic() - begun
        assert result.code == 0, result.text
        self.reset()
        return seconds

    def start(self, node: str) -> Call:
        """Starts a run to a node, with what is before it cached; returns when the node begins."""
        before = self._logs(node)
        call = self.project.start(*self._words(node))
        while not self._logs(node) - before:
            assert call.process.is_alive(), call.out
            time.sleep(0.02)
        return call

    def run(self, node: str) -> Result:
        return self.project(*self._words(node))

    def kill(self, kind: str, call: Call) -> bool:
        """Kills a process as `kill -9` does; returns whether there was one."""
        if kind == "driver":
            found = [each.pid for each in _children(call)]
            for pid in found:
                os.kill(pid, signal.SIGKILL)
            return bool(found) and call.process.is_alive()
        victim = self.cluster.workers[0] if kind == "worker" else self.cluster.scheduler
        assert victim
        victim.process.kill()
        in_time = call.process.is_alive()
        # `mend` counts a process as running until it is joined.
        victim.process.join()
        return in_time

    def leftovers(self, node: str) -> list[str]:
        """Returns what a node's folder has that none of its executions that ended well has made."""
        folder = self.project.root / "artifacts" / node
        store = MetadataStore(connection_config(f"sqlite:///{self.project.root}/metadata.sqlite"))
        good = {Path(each.uri) for each in store.get_artifacts() if each.state == each.LIVE}
        # TFX's own folder keeps an empty one of each execution.
        found = [path for path in folder.glob("[!.]*/*") if path not in good]
        found += [path for path in folder.glob(".system/**/*") if path.is_file()]
        found += [path for path in folder.rglob("*temp*") if path not in found]
        return [str(path.relative_to(folder)) for path in found]

    def _words(self, node: str) -> list[str]:
        where = ("beam.runner=dask", f"beam.dask.scheduler={self.cluster.address}")
        sets = [word for each in where for word in ("--set", each)]
        return ["run", "--to", node, "--force", node, *SEEDED, *sets]

    def _logs(self, node: str) -> set[Path]:
        return set((self.project.root / "logs").glob(f"*/{node}.log"))


def _children(call: Call) -> list[psutil.Process]:
    try:
        return psutil.Process(call.process.pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []
