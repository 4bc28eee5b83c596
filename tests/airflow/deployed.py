"""A pipeline in a real Airflow: compiled into its DAG folder, started over REST."""

import json
import time
from dataclasses import dataclass
from typing import Any

from beltline.runners.metadata.store import Lineage
from tests.airflow_process import Airflow
from tests.end_to_end.projects import QUICK, Project

# A few passes over few rows, and no model refused: Airflow is asked here, not the model.
SETTINGS = (
    *QUICK,
    *("--set", "evaluation.champion.margin=-1"),
    *("--set", "airflow.metadata_connection=metadata"),
    *("--set", "airflow.retry_delay_seconds=1"),
)


@dataclass
class Deployed:
    """A project and the Airflow that runs it; `metadata` is where both say what has happened."""

    airflow: Airflow
    project: Project
    metadata: str
    dag: str = "casting"

    def compile(self, *settings: str) -> str:
        """Compiles it, waits until Airflow knows it, and returns the bundle's name."""
        folder = self.airflow.dags / self.dag
        result = self.project("compile", "airflow", "-o", folder, *SETTINGS, *settings)
        assert result.code == 0, result.text
        bundle = str(json.loads((folder / "deployment.json").read_text())["bundle"])
        rest, deadline = self.airflow.rest, time.monotonic() + 60
        # The round that goes on now may have read the old files.
        for _ in range(2):
            rest.wait_until_parsed(self.dag, rest.parsed(self.dag))
        while bundle not in rest.call("GET", f"dags/{self.dag}/details")["doc_md"]:
            assert time.monotonic() < deadline, f"Airflow still has another bundle than {bundle}"
            time.sleep(0.5)
        return bundle

    def run(self, run: str, conf: Any = None, date: str | None = None) -> str:
        """Runs it to its end and returns the state."""
        self.airflow.rest.trigger(self.dag, run, conf, date)
        return self.airflow.rest.wait(self.dag, run)

    def story(self, run: str) -> str:
        """Returns the state of each task, and the end of the log of each that failed."""
        rest, lines = self.airflow.rest, []
        for task, each in rest.instances(self.dag, run).items():
            lines.append(f"{task}: {each['state']}")
            if each["state"] == "failed":
                lines += rest.text(self.dag, run, task, each["try_number"]).splitlines()[-20:]
        return "\n".join(lines)

    def tasks(self, run: str) -> dict[str, str]:
        """Returns the state of each task, as Airflow says."""
        return self.airflow.rest.tasks(self.dag, run)

    def executions(self, run: str) -> dict[str, str]:
        """Returns the state of each node, as ML Metadata says."""
        found = Lineage(self.metadata, self.dag).nodes(run)
        return {each.node: each.state for each in found}

    def result(self, run: str, node: str) -> Any:
        """Returns the JSON with which a node has ended."""
        return self.airflow.rest.result(self.dag, run, node)

    def pushes(self) -> list[dict[str, Any]]:
        """Returns the events of the pipeline's model, oldest first."""
        return self.airflow.rest.asset_events(f"beltline://{self.dag}/model")
