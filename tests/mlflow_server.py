"""A real MLflow server, in an environment of its own."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests

MLFLOW = Path(__file__).parents[1] / ".venv-mlflow/bin/mlflow"
_SECONDS = 90


@dataclass(frozen=True)
class Server:
    """A server that answers."""

    url: str

    def get(self, path: str, **query: Any) -> Any:
        answer = requests.get(f"{self.url}/api/2.0/mlflow/{path}", params=query, timeout=20)
        assert answer.ok, answer.text
        return answer.json()

    def run(self, experiment: str, run: str) -> Any:
        """The run of ours with that id."""
        found = self.get("experiments/get-by-name", experiment_name=experiment)["experiment"]
        body = {
            "experiment_ids": [found["experiment_id"]],
            "filter": f"tags.`beltline.run` = '{run}'",
        }
        url = f"{self.url}/api/2.0/mlflow/runs/search"
        answer = requests.post(url, json=body, timeout=20)
        [run] = answer.json()["runs"]
        return run

    def curve(self, run: Any, key: str) -> dict[int, float]:
        """A metric's value at each step."""
        page = self.get(
            "metrics/get-history",
            run_id=run["info"]["run_id"],
            metric_key=key,
            max_results=10000,
        )
        return {int(each.get("step", 0)): each["value"] for each in page.get("metrics", [])}

    def file(self, run: Any, path: str) -> bytes:
        """An artifact of a run."""
        query = {"run_uuid": run["info"]["run_id"], "path": path}
        answer = requests.get(f"{self.url}/get-artifact", params=query, timeout=20)
        assert answer.ok, answer.text
        return answer.content

    def live(self, model: str) -> Any:
        """The version with the alias `live`; None if there is no such model."""
        named = {"name": model, "alias": "live"}
        url = f"{self.url}/api/2.0/mlflow/registered-models/alias"
        answer = requests.get(url, params=named, timeout=20)
        return answer.json()["model_version"] if answer.ok else None


def values(pairs: Any) -> dict[str, Any]:
    """What MLflow writes as a list of keys and values."""
    return {each["key"]: each["value"] for each in pairs}


@contextmanager
def mlflow_server(folder: Path) -> Iterator[Server]:
    """Runs a server whose files lie in a folder."""
    if not MLFLOW.exists():
        pytest.skip(".venv-mlflow is not here: `make setup-mlflow`")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    words = [MLFLOW, "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    where = ["--backend-store-uri", "sqlite:///mlflow.db", "--artifacts-destination", "./artifacts"]
    log = folder / "log"
    with log.open("w") as out:
        process = subprocess.Popen(
            [*words, *where],
            cwd=folder,
            env=os.environ | {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"},
            stdout=out,
            stderr=out,
            start_new_session=True,
        )
    try:
        _wait(f"http://127.0.0.1:{port}/health", process, log)
        yield Server(f"http://127.0.0.1:{port}")
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(30)


def _wait(url: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    end = time.monotonic() + _SECONDS
    while time.monotonic() < end and process.poll() is None:
        try:
            if requests.get(url, timeout=5).ok:
                return
        except requests.RequestException:
            time.sleep(0.2)
    raise AssertionError(f"no MLflow server:\n{log.read_text()}")
