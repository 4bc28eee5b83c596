"""What Beltline asks of an MLflow server, over its REST API (version 2.0)."""

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import quote

import requests

from beltline.runners.tracking.failures import NotTold
from beltline.runners.tracking.http import send

_API, _ARTIFACTS = "api/2.0/mlflow", "api/2.0/mlflow-artifacts/artifacts"
_PROXIED = "mlflow-artifacts:/"
# What a server takes in one request.
_METRICS, _PARAMETERS, _TEXT = 1000, 100, 500

Metric = dict[str, str | float | int]


class Mlflow:
    """An MLflow server; each method raises NotTold if it can't be asked.

    MLFLOW_TRACKING_TOKEN, or MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, are sent along,
    as MLflow's own client does.
    """

    def __init__(self, url: str):
        self._url = url.rstrip("/")
        self._http = requests.Session()
        user = os.environ.get("MLFLOW_TRACKING_USERNAME")
        if token := os.environ.get("MLFLOW_TRACKING_TOKEN"):
            self._http.headers["Authorization"] = f"Bearer {token}"
        elif user:
            self._http.auth = (user, os.environ.get("MLFLOW_TRACKING_PASSWORD", ""))

    def experiment(self, name: str) -> str:
        """Returns the id of an experiment, which is made if there is none of that name."""
        named = {"experiment_name": name}
        found = self._get("experiments/get-by-name", named, missing={})
        if found:
            return str(found["experiment"]["experiment_id"])
        return str(self._post("experiments/create", {"name": name})["experiment_id"])

    def run(self, experiment: str, name: str, started: int) -> Any:
        """Returns the run with a tag `beltline.run`, which is made if there is none.

        Args:
          experiment: the id of the experiment.
          name: the value of the tag, and the run's name.
          started: milliseconds since the epoch.
        """
        known = {
            "experiment_ids": [experiment],
            "filter": f"tags.`beltline.run` = '{name}'",
            "max_results": 1,
        }
        for run in self._post("runs/search", known).get("runs", []):
            return run
        made = {
            "experiment_id": experiment,
            "run_name": name,
            "start_time": started,
            "tags": _pairs({"beltline.run": name}),
        }
        return self._post("runs/create", made)["run"]

    def log(self, run: Any, metrics: Sequence[Metric], parameters: Mapping[str, Any]) -> None:
        """Logs metrics, each with key, value, timestamp and step, and parameters.

        Parameters that the run has already are left as they are: a server changes none.
        """
        known = {each["key"] for each in run["data"].get("params", [])}
        new = {name: _text(value) for name, value in parameters.items() if name not in known}
        named = {"run_id": run["info"]["run_id"]}
        for some in _batches(_pairs(new), _PARAMETERS):
            self._post("runs/log-batch", {**named, "params": some})
        for some in _batches(metrics, _METRICS):
            self._post("runs/log-batch", {**named, "metrics": some})

    def tag(self, run: str, tags: Mapping[str, str]) -> None:
        """Sets tags of a run, by its id."""
        self._post("runs/log-batch", {"run_id": run, "tags": _pairs(tags)})

    def end(self, run: str, status: str, ended: int) -> None:
        """Ends a run as `FINISHED` or `FAILED`, at a time in milliseconds since the epoch."""
        self._post("runs/update", {"run_id": run, "status": status, "end_time": ended})

    def upload(self, to: str, name: str, content: bytes | Path) -> None:
        """Uploads a file.

        Args:
          to: the URI of a run's artifacts.
          name: the file's path below it.
          content: the file, or what is in it.

        Raises:
          NotTold: the server doesn't pass artifacts on to where they are.
        """
        if not to.startswith(_PROXIED):
            raise NotTold(f"artifacts are at {to}, to which only `mlflow server` itself writes")
        path = quote(str(PurePosixPath(to.removeprefix(_PROXIED).lstrip("/")) / name))
        url = f"{self._url}/{_ARTIFACTS}/{path}"
        if isinstance(content, bytes):
            send(self._http, "PUT", url, data=content).close()
        else:
            # A model may be larger than memory.
            with content.open("rb") as file:
                send(self._http, "PUT", url, data=file).close()

    def register(self, model: str, source: str, run: str, version: str) -> str:
        """Returns the server's number of a version of ours, which is registered if it isn't yet.

        Args:
          model: the name of the registered model, made if there is none.
          source: the URI of the version's files.
          run: the id of the run that made it.
          version: our number.
        """
        if found := self.registered(model, version):
            return found
        self._post("registered-models/create", {"name": model}, known="RESOURCE_ALREADY_EXISTS")
        tags = _pairs({"beltline.version": version})
        made = {"name": model, "source": source, "run_id": run, "tags": tags}
        return str(self._post("model-versions/create", made)["model_version"]["version"])

    def registered(self, model: str, version: str) -> str:
        """Returns the server's number of a version of ours; empty if it isn't registered."""
        wanted = f"name = '{model}' and tags.`beltline.version` = '{version}'"
        found = self._get("model-versions/search", {"filter": wanted}).get("model_versions", [])
        return str(found[0]["version"]) if found else ""

    def alias(self, model: str, alias: str, number: str) -> None:
        """Moves an alias to a version, by the server's number of it."""
        named = {"name": model, "alias": alias, "version": number}
        self._post("registered-models/alias", named)

    def _get(self, path: str, query: dict[str, str], missing: Any = None) -> Any:
        try:
            return send(self._http, "GET", f"{self._url}/{_API}/{path}", params=query).json()
        except NotTold as error:
            if missing is not None and "RESOURCE_DOES_NOT_EXIST" in str(error):
                return missing
            raise

    def _post(self, path: str, body: Mapping[str, Any], known: str = "") -> Any:
        content = json.dumps(body, allow_nan=False)
        headers = {"Content-Type": "application/json"}
        url = f"{self._url}/{_API}/{path}"
        try:
            return send(self._http, "POST", url, data=content, headers=headers).json()
        except NotTold as error:
            if known and known in str(error):
                return {}
            raise


def _pairs(values: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"key": key, "value": value} for key, value in values.items()]


def _text(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return text if len(text) <= _TEXT else f"{text[: _TEXT - 1]}…"


def _batches(every: Sequence[Any], size: int) -> Iterator[Sequence[Any]]:
    for start in range(0, len(every), size):
        yield every[start : start + size]
