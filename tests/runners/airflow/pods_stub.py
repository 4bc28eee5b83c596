"""A stub of a cluster's pods, for tasks in the real Airflow."""

import json
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.http_stub import Handler

_WHOLE = {"image": "i", "imageID": "i", "ready": False, "restartCount": 0}
_WRITTEN = "2026-11-29T00:00:00.000000000Z"


@dataclass
class Cluster:
    """Pods by name, what phase, exit code and log a new one has, and what was asked for.

    Those that are `ending` are gone once they were listed.
    """

    new_phase: str = "Succeeded"
    exit_code: int | None = None
    log: tuple[str, ...] = ()
    pods: dict[str, Any] = field(default_factory=dict)
    ending: tuple[str, ...] = ()
    asked: list[tuple[str, str]] = field(default_factory=list)
    labels: list[dict[str, str]] = field(default_factory=list)
    specs: list[dict[str, Any]] = field(default_factory=list)

    def add(self, name: str, state: dict[str, Any] | None, **labels: str) -> None:
        spec = {"containers": [{"name": "base", "image": "i"}]}
        metadata = {"name": name, "namespace": "ml", "labels": labels}
        self.pods[name] = _pod(metadata, spec, "Pending", state)

    def list(self, _: str, __: Any) -> Any:
        pods = list(self.pods.values())
        for name in self.ending:
            # As if it had come to its end, and been deleted by whoever started it.
            self.pods.pop(name, None)
        return {"kind": "PodList", "apiVersion": "v1", "items": pods}

    def create(self, _: str, body: Any) -> Any:
        metadata, spec = body["metadata"], body["spec"]
        self.labels.append(metadata["labels"])
        self.specs.append(spec)
        # Airflow reads the log of a container only for a while after its end.
        now = datetime.now(UTC).isoformat()
        terminated = {"terminated": {"exitCode": self.exit_code, "finishedAt": now}}
        ended = None if self.exit_code is None else terminated
        self.pods[metadata["name"]] = _pod(metadata, spec, self.new_phase, ended)
        return self.pods[metadata["name"]]

    def read(self, name: str, _: Any) -> Any:
        return self.pods[name]

    def change(self, name: str, _: Any) -> Any:
        return self.pods[name]

    def delete(self, name: str, _: Any) -> Any:
        return self.pods.pop(name)


def _pod(metadata: Any, spec: Any, phase: str, state: dict[str, Any] | None) -> dict[str, Any]:
    statuses = [{"name": "base", "state": state, **_WHOLE}] if state else None
    return {
        "kind": "Pod",
        "apiVersion": "v1",
        "metadata": metadata,
        "spec": spec,
        "status": {"phase": phase, "containerStatuses": statuses},
    }


def kubeconfig(folder: Path, url: str) -> str:
    file = folder / "kubeconfig"
    named = {"name": "stub"}
    clusters = [{**named, "cluster": {"server": url}}]
    contexts = [{**named, "context": {"cluster": "stub", "user": "stub"}}]
    users = [{**named, "user": {}}]
    whole = {"clusters": clusters, "contexts": contexts, "users": users}
    file.write_text(json.dumps({**whole, "current-context": "stub"}))
    return str(file)


class PodsHandler(Handler):
    """Answers for `cluster`."""

    cluster: Cluster

    def _handle(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        path = re.sub(r"^/api/v1/namespaces/ml/|\?.*$", "", self.path)
        kind, _, name = path.partition("/")
        if kind == "events":
            nothing = {"kind": "EventList", "apiVersion": "v1", "items": []}
            self.send(200, json.dumps(nothing), "application/json")
        elif name.endswith("/log"):
            lines = [f"{_WRITTEN} {line}\n" for line in self.cluster.log]
            self.send(200, "".join(lines), "text/plain")
        else:
            verbs = {"GET": "read" if name else "list", "POST": "create"}
            do = {**verbs, "PATCH": "change", "DELETE": "delete"}[self.command]
            self.cluster.asked.append((do, name))
            answer = getattr(self.cluster, do)(name, json.loads(body or "null"))
            self.send(200, json.dumps(answer), "application/json")

    do_GET = do_POST = do_PATCH = do_DELETE = _handle
