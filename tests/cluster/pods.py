"""A pipeline in Airflow whose nodes are pods, and what the tests ask of it."""

import json
import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.airflow.deployed import Deployed
from tests.cluster.cluster import Cluster
from tests.cluster.prepare import IMAGE

NAMESPACE = "ml"
_CHOSEN = {
    "image": IMAGE,
    "image_pull_policy": "Never",
    "namespace": NAMESPACE,
    "volume_claim": "beltline",
    "secret": "metadata",
}
_SETTINGS = ("airflow.where=kubernetes", "airflow.metadata_connection=", "airflow.retries=1")
ONCE = "airflow.retries=0"


@dataclass
class Pods:
    """A pipeline in Airflow, its nodes in pods of the namespace `ml`."""

    cluster: Cluster
    deployed: Deployed
    volume: Path

    def compile(self, *changes: str, **chosen: object) -> None:
        """Compiles the pipeline, with the bundle on the volume as docs/airflow.md asks for."""
        self.deployed.compile(*_words(*changes, **chosen))
        bundles = self.deployed.airflow.dags / "casting" / "bundles"
        shutil.copytree(bundles, self.volume / "bundles", dirs_exist_ok=True)

    def check(self) -> dict[str, dict[str, Any]]:
        """Returns the findings of `beltline check airflow`, by check."""
        self.compile()
        project = self.deployed.project
        project.env["BELTLINE_AIRFLOW"] = self.deployed.airflow.rest.login()
        result = project("check", "airflow", "--json", *_words())
        return {each["check"]: each for each in json.loads(result.out)}

    def run(self, run: str, **conf: object) -> dict[str, str]:
        """Runs the pipeline to its end, and returns the state of each task."""
        self.deployed.run(run, conf)
        return self.deployed.tasks(run)

    def log(self, run: str, node: str) -> str:
        """Returns the log of a node's last attempt."""
        rest = self.deployed.airflow.rest
        attempt = rest.instances("casting", run)[node]["try_number"]
        return rest.text("casting", run, node, attempt)

    def of(self, node: str) -> list[str]:
        """Returns the names of the pods of a node."""
        words = ("get", "pods", "-n", NAMESPACE, "-l", f"beltline/task={node}", "-o", "name")
        return self.cluster(*words).split()

    def wait_for(self, node: str, seconds: float = 300) -> str:
        """Waits for the pod of a node to run, and returns its name."""
        end = time.monotonic() + seconds
        while True:
            for name in self.of(node):
                phase = self.cluster("get", "-n", NAMESPACE, name, "-o", "jsonpath={.status.phase}")
                if phase == "Running":
                    return name
            assert time.monotonic() < end, f"no pod of {node} runs"
            time.sleep(0.3)


def _words(*changes: str, **chosen: object) -> list[str]:
    pods = json.dumps({**_CHOSEN, **chosen})
    settings = [*_SETTINGS, f"airflow.kubernetes={pods}", *changes]
    return [word for each in settings for word in ("--set", each)]
