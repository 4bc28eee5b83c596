"""A real pipeline whose nodes run in real containers."""

import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from beltline.runners.metadata.store import Lineage, NodeRun
from tests.docker_engine import Engine
from tests.end_to_end.projects import Project
from tests.runners.airflow.airflow_process import ROOT, Airflow

# A pipe that nobody writes to: whoever reads it is at work until he is stopped.
ENDLESS = "endless.csv"


@dataclass
class Line:
    """A compiled pipeline, and the Airflow that runs its nodes."""

    airflow: Airflow
    docker: Engine
    project: Project
    folder: Path

    def compile(self, image: str, *settings: str) -> None:
        """Compiles it for an image that holds nothing: Beltline comes in as folders to read."""
        needed = dict.fromkeys((sys.prefix, sys.base_prefix, str(ROOT)))
        volumes = ", ".join(f"{folder}:{folder}:ro" for folder in needed)
        chosen = ("airflow.where=docker", f"airflow.docker.image={image}")
        chosen += (f"airflow.docker.volumes=[{volumes}]", f"airflow.environment={sys.prefix}")
        words = [word for each in (*chosen, *settings) for word in ("--set", each)]
        result = self.project("compile", "airflow", "-o", self.folder, *words)
        assert result.code == 0, result.text

    def run(self, node: str, run: str, **given: Any) -> Any:
        """Runs a task to its end."""
        return self.airflow.ask("run", self.folder, node=node, run_id=run, **given)

    def begin(self, run: str) -> str:
        """Runs ExampleGen on data that never end; returns its container once it is at work."""
        details = {"node": "ExampleGen", "run_id": run, "data_path": ENDLESS}
        self.airflow.begin("run", self.folder, **details)
        deadline = time.monotonic() + 90
        while self.state(run) != "running":
            assert time.monotonic() < deadline, self.state(run)
            time.sleep(0.2)
        return self.container(run)

    def container(self, run: str, node: str = "ExampleGen") -> str:
        """The id of a node's container; empty if there is none."""
        label = f"label=beltline=casting/{run}/{node}"
        return self.docker("ps", "--all", "--quiet", "--filter", label)

    def state(self, run: str, node: str = "ExampleGen") -> str:
        """The state of a node in ML Metadata; empty if it is not known there."""
        found = self.execution(run, node)
        return found.state if found else ""

    def execution(self, run: str, node: str = "ExampleGen") -> NodeRun | None:
        """What ML Metadata says of a node."""
        file = self.project.root / "metadata.sqlite"
        return Lineage(f"sqlite:///{file}", "casting").node(run, node) if file.exists() else None
