"""The casting project as a package, and a folder that stands for the claim that its pods share."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from beltline.runners.pods.log_line import results
from beltline.runners.result import RunResult
from tests.docker_engine import Engine
from tests.end_to_end import own_code
from tests.end_to_end.projects import QUICK, Project
from tests.lineage import Graph, graph

# A few passes over few rows, and no model refused: the containers are asked here, not the model.
SETTINGS = (
    *QUICK,
    *own_code.SETTINGS,
    *("--set", "evaluation.champion.margin=-1"),
    *("--set", "kubeflow.volume_claim=beltline"),
    *("--set", "kubeflow.secrets={beltline: {metadata: BELTLINE_METADATA}}"),
    *("--set", "kubeflow.retries=1"),
    *("--set", "kubeflow.retry_delay_seconds=1"),
    # Three pods, of which one runs a single node.
    *("--set", "kubeflow.groups={train: [Trainer]}"),
)


@dataclass(frozen=True)
class Ran:
    """What a run of the package printed, and how its last task says that it ended."""

    text: str
    run: str
    ending: RunResult

    def count(self, node: str) -> int:
        """How many results of a node there are, and how many of the monitoring."""
        lines = map(str.strip, self.text.splitlines())
        plain = (line for line in lines if line.startswith('{"'))
        found = map(json.loads, (*results(self.text), *plain))
        return sum(each.get("node") == node and "state" in each for each in found)


@dataclass(frozen=True)
class Volume:
    """Runs packages of a project with real containers and a real database."""

    docker: Engine
    image: str
    project: Project
    metadata: str
    folder: Path

    def compile(self, *settings: str) -> Path:
        """Compiles the project and returns the package's file."""
        image = ("--set", f"kubeflow.image={self.image}")
        done = self.project("compile", "kubeflow", "-o", "package", *SETTINGS, *image, *settings)
        assert done.code == 0, done.text
        return self.project.folder / "package/pipeline.yaml"

    def run(self, package: Path, **arguments: str | int) -> Ran:
        """Runs a package to its end."""
        own = self.folder / "own"
        own.mkdir(exist_ok=True)
        # Kubeflow's launcher makes the folder of an output; here the pod's own user has to.
        own.chmod(0o777)
        secret = own / "secret"
        secret.write_text(f"BELTLINE_METADATA='{self.metadata}'\n")
        order = own / "order.json"
        places = {"package": package, "volume": self.shared, "secret": secret, "folder": own}
        words = {name: str(path) for name, path in places.items()}
        order.write_text(json.dumps({**words, "mount_path": "/beltline", "arguments": arguments}))
        done = subprocess.run(
            [sys.executable, "-m", "tests.kubeflow.run_package", str(order)],
            cwd=Path(__file__).parents[2],
            env=os.environ | {"DOCKER_HOST": self.docker.host},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=580,
        )
        ends = [each for each in results(done.stdout) if "end" in json.loads(each)]
        assert ends, done.stdout[-8000:]
        found = RunResult.from_line(ends[0])
        return Ran(done.stdout, found.run, found)

    @property
    def shared(self) -> Path:
        """What a pod finds below `kubeflow.mount_path`."""
        return self.folder / "shared"

    def graph(self, ran: Ran) -> Graph:
        """What ML Metadata holds of a run."""
        return graph(self.metadata, ran.run)
