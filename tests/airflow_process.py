"""A real Airflow, started as users start it, whose components can be killed and started again."""

import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from tests.airflow_rest import Rest
from tests.databases import free_port

START = Path(__file__).parents[1] / "deploy/airflow/start.sh"
PYTHON = START.parents[2] / ".venv-airflow/bin/python"
COMPONENTS = ("scheduler", "dag-processor", "api-server", "triggerer")
# What a test waits for needn't take its everyday time.
QUICK = {
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "10",
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": "2",
    "AIRFLOW__SCHEDULER__ORPHANED_TASKS_CHECK_INTERVAL": "5",
    "AIRFLOW__SCHEDULER__SCHEDULER_HEALTH_CHECK_THRESHOLD": "15",
    "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": "1",
    "AIRFLOW__DAG_PROCESSOR__BUNDLE_REFRESH_CHECK_INTERVAL": "1",
    "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "2",
    "AIRFLOW__CORE__MIN_SERIALIZED_DAG_UPDATE_INTERVAL": "1",
}


@dataclass
class Airflow:
    """One Airflow of its own: its home, its DAG folder, its port and its processes.

    `environment` is what a site would set.
    """

    folder: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    port: int = field(default_factory=free_port)
    _components: dict[str, psutil.Popen] = field(default_factory=dict)
    _orphans: list[psutil.Process] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.dags = self.folder / "dags"
        self.home = self.folder / "home"
        self.rest = Rest(f"http://127.0.0.1:{self.port}", self.home / "passwords.json")
        self.dags.mkdir()

    def call(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Runs `start.sh` with these arguments to its end."""
        return subprocess.run(
            ["sh", START, *arguments], env=self._environment(), capture_output=True, text=True
        )

    def everything(self, output: Path) -> psutil.Popen:
        """Starts all of it as `make airflow` does; what that process says goes to `output`."""
        with output.open("ab") as file:
            return psutil.Popen(
                ["sh", str(START)], env=self._environment(), stdout=file, stderr=file
            )

    def start(self, seconds: float = 120) -> None:
        """Starts all components and waits until each has given a sign of life."""
        prepared = self.call("prepare")
        assert prepared.returncode == 0, prepared.stderr
        for component in COMPONENTS:
            self.start_component(component)
        deadline = time.monotonic() + seconds
        while not self.rest.healthy():
            ended = [name for name, each in self._components.items() if each.poll() is not None]
            assert not ended, self.log(ended[0])
            assert time.monotonic() < deadline, self.log("api-server")
            time.sleep(0.3)

    def start_component(self, component: str) -> None:
        """Starts one component, as the leader of a process group of its own."""
        with (self.home / "logs" / f"{component}.log").open("ab") as log:
            self._components[component] = psutil.Popen(
                ["sh", str(START), component],
                env=self._environment(),
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def log(self, component: str) -> str:
        """Returns what a component has written."""
        return (self.home / "logs" / f"{component}.log").read_text(errors="replace")

    def kill(self, component: str, number: signal.Signals = signal.SIGKILL) -> None:
        """Sends a signal to a component, not to what it has started, and waits for its end."""
        process = self._components[component]
        # Whose they are can't be seen any more once it is gone.
        self._orphans += process.children(recursive=True)
        process.send_signal(number)
        process.wait(30)

    def restart(self, component: str) -> None:
        """Starts a component that was killed, as a service manager does: what it left ends first.

        The processes of a scheduler's executor hold its connection to the database, and the locks
        of its last transaction.
        """
        for process in self._orphans:
            with suppress(psutil.Error):
                process.kill()
        psutil.wait_procs(self._orphans, timeout=10)
        self.start_component(component)

    def component(self, component: str) -> psutil.Process:
        """Returns the process of a component."""
        return psutil.Process(self._components[component].pid)

    def workers(self) -> list[psutil.Process]:
        """Returns the processes of the scheduler in which tasks are watched over."""
        return [
            child
            for child in self.component("scheduler").children()
            if "LocalExecutor" in " ".join(child.cmdline())
        ]

    def nodes(self, node: str) -> list[psutil.Process]:
        """Returns the processes that were called to run a node, warm client or node runner."""
        called = re.compile(rf"-m beltline\.runners\.(warm|node) .*--node {node}( |$)")
        found = []
        for process in psutil.process_iter():
            with suppress(psutil.Error):
                line = " ".join(process.cmdline())
                if "python" in process.exe() and called.search(line) and self._ours(process):
                    found.append(process)
        return found

    def warm_workers(self) -> list[psutil.Process]:
        """Returns the warm worker of this Airflow, and the nodes that it has forked."""
        found = []
        for process in psutil.process_iter():
            with suppress(psutil.Error):
                line = process.cmdline()
                if "beltline.runners.warm.worker" in line and str(self.folder) in line[-1]:
                    found.append(process)
        return found

    def stop(self) -> None:
        """Ends every component and everything that it has started."""
        left = [each for each in self._started() if each.is_running()]
        for component in [psutil.Process(each.pid) for each in self._components.values()]:
            with suppress(psutil.Error):
                component.terminate()
        _, alive = psutil.wait_procs(left, timeout=10)
        for process in {*alive, *self._started()}:
            with suppress(psutil.Error):
                process.kill()
        psutil.wait_procs(alive, timeout=10)

    def _started(self) -> set[psutil.Process]:
        found = set(self.warm_workers())
        for process in psutil.process_iter():
            with suppress(psutil.Error):
                if self._ours(process):
                    found.add(process)
        for component in self._components.values():
            with suppress(psutil.Error):
                found |= {psutil.Process(component.pid), *component.children(recursive=True)}
        return found

    def _ours(self, process: psutil.Process) -> bool:
        return bool(process.environ().get("AIRFLOW_HOME") == str(self.home))

    def _environment(self) -> dict[str, str]:
        """Nothing of Beltline's or Airflow's own that lies about here reaches it."""
        clean = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("AIRFLOW", "BELTLINE"))
        }
        return (
            clean
            | QUICK
            | dict(self.environment)
            | {
                "AIRFLOW_HOME": str(self.home),
                "AIRFLOW__CORE__DAGS_FOLDER": str(self.dags),
                "AIRFLOW__API__PORT": str(self.port),
                # A warm worker of its own, whose socket lies there.
                "TMPDIR": str(self.folder),
            }
        )


@contextmanager
def running(environment: Mapping[str, str]) -> Iterator[Airflow]:
    """Starts an Airflow for as long as it is needed."""
    folder = Path(tempfile.mkdtemp(prefix="beltline-airflow-"))
    airflow = Airflow(folder, environment)
    try:
        airflow.start()
        yield airflow
    finally:
        airflow.stop()
        shutil.rmtree(folder)
