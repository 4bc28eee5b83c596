"""The pods of a compiled package, as Kubeflow's driver asks Kubernetes for them.

The driver puts Kubeflow's launcher before the command; here the command runs by itself.
"""

import json
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from beltline.runners.pods.log_line import results
from beltline.runners.result import RunResult
from tests.cluster.cluster import Cluster
from tests.end_to_end.projects import QUICK
from tests.kubeflow.meaning import documents

REPORT = "report"
_INPUT = re.compile(r"\{\{\$\.inputs\.parameters\['(\w+)'\]\}\}")
_RUN = "{{$.pipeline_job_uuid}}"
# A quick run of the casting pipeline, in two pods.
SETTINGS = (
    *QUICK,
    *("--set", "evaluation.champion.margin=-1"),
    *("--set", "kubeflow.volume_claim=beltline"),
    *("--set", "kubeflow.secrets={beltline: {metadata: BELTLINE_METADATA}}"),
    *("--set", "kubeflow.image_pull_policy=Never"),
    *("--set", "kubeflow.groups={train: [Trainer]}"),
    *("--set", "kubeflow.retries=1"),
    *("--set", "kubeflow.retry_delay_seconds=1"),
    *("--set", "resources.Trainer.memory=4Gi"),
)


@dataclass(frozen=True)
class Package:
    """A package's file, whose tasks become pods."""

    file: Path

    def tasks(self) -> Iterator[str]:
        """Yields the tasks that run nodes, each after those that it waits for."""
        pipeline, _ = documents(self.file)
        waiting = {name: set(task.get("dependentTasks", [])) for name, task in _tasks(pipeline)}
        del waiting[REPORT]
        while waiting:
            name = next(name for name, before in waiting.items() if not before & waiting.keys())
            del waiting[name]
            yield name

    def pod(self, task: str, name: str, namespace: str, run: str, **given: str) -> dict[str, Any]:
        """Returns the manifest of a task's pod; `given` are parameters of the run."""
        pipeline, pods = documents(self.file)
        found = dict(_tasks(pipeline))[task]
        label = pipeline["components"][found["componentRef"]["name"]]["executorLabel"]
        asked, pod = pipeline["deploymentSpec"]["executors"][label]["container"], pods[label]
        inputs = {key: _value(pipeline, each, run, given) for key, each in _inputs(found)}
        security, labels = pod["securityContext"], pod["podMetadata"]["labels"]
        container = {
            "name": "main",
            "image": asked["image"],
            "imagePullPolicy": pod["imagePullPolicy"],
            "command": asked["command"],
            "args": [_INPUT.sub(lambda match: inputs[match[1]], word) for word in asked["args"]],
            "env": [*asked["env"], *_secrets(pod)],
            "resources": _resources(asked.get("resources", {})),
            "volumeMounts": [*_mounts(pod)],
            "securityContext": {
                key: value if isinstance(value, bool) else int(value)
                for key, value in security.items()
            },
        }
        return {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": name, "namespace": namespace, "labels": labels},
            "spec": {
                "containers": [container],
                "volumes": [*_volumes(pod)],
                "restartPolicy": "Never",
                "activeDeadlineSeconds": int(pod["activeDeadlineSeconds"]),
            },
        }


def _tasks(pipeline: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for dag in (pipeline["root"], *pipeline["components"].values()):
        for name, task in dag.get("dag", {}).get("tasks", {}).items():
            if "executorLabel" in pipeline["components"][task["componentRef"]["name"]]:
                yield name, task


def _inputs(task: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    yield from task.get("inputs", {}).get("parameters", {}).items()


def _value(pipeline: dict[str, Any], value: Any, run: str, given: dict[str, str]) -> str:
    if "runtimeValue" in value:
        constant = str(value["runtimeValue"]["constant"])
        return run if constant == _RUN else constant
    name = value["componentInputParameter"].removeprefix("pipelinechannel--")
    known = pipeline["root"]["inputDefinitions"]["parameters"][name]
    default = known["defaultValue"]
    whole = known["parameterType"] == "NUMBER_INTEGER"
    return given.get(name, str(int(default) if whole else default))


def _secrets(pod: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for each in pod.get("secretAsEnv", []):
        for key in each["keyToEnv"]:
            source = {"name": each["secretName"], "key": key["secretKey"]}
            yield {"name": key["envVar"], "valueFrom": {"secretKeyRef": source}}


def _resources(asked: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {"requests": {}, "limits": {}}
    for name in ("Cpu", "Memory"):
        for kind in ("Request", "Limit"):
            if value := asked.get(f"resource{name}{kind}"):
                found[f"{kind.lower()}s"][name.lower()] = value
    return found


def _mounts(pod: dict[str, Any]) -> Iterator[dict[str, str]]:
    for each in pod["pvcMount"]:
        yield {"name": each["constant"], "mountPath": each["mountPath"]}
    for each in pod["emptyDirMounts"]:
        yield {"name": each["volumeName"], "mountPath": each["mountPath"]}


def _volumes(pod: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for each in pod["pvcMount"]:
        claim = {"claimName": each["constant"]}
        yield {"name": each["constant"], "persistentVolumeClaim": claim}
    for each in pod["emptyDirMounts"]:
        folder = {key: each[key] for key in ("medium", "sizeLimit") if key in each}
        yield {"name": each["volumeName"], "emptyDir": folder}


@dataclass(frozen=True)
class Runs:
    """Runs the tasks of a package on a cluster, one pod after the other."""

    cluster: Cluster
    namespace: str
    package: Package

    def start(self, task: str, run: str, attempt: int = 0, **given: str) -> str:
        """Starts the pod of a task, and returns its name."""
        name = f"{run}-{task}-{attempt}"
        self.cluster.apply(self.package.pod(task, name, self.namespace, run, **given))
        return name

    def end(self, name: str, seconds: float = 300) -> tuple[str, str]:
        """Waits for a pod; returns its phase at the end and what it printed."""
        end = time.monotonic() + seconds
        while (phase := self._status(name)["phase"]) not in ("Succeeded", "Failed"):
            assert time.monotonic() < end, f"{name} is {phase} after {seconds:.0f} s"
            time.sleep(1)
        return phase, self.cluster("-n", self.namespace, "logs", name)

    def whole(self, run: str, **given: str) -> dict[str, str]:
        """Runs every task, until one fails, and the report; returns what each printed."""
        said = {}
        for task in self.package.tasks():
            phase, said[task] = self.end(self.start(task, run, **given))
            if phase == "Failed":
                break
        return said | self.report(run)

    def report(self, run: str) -> dict[str, str]:
        """Runs the task at the end, which fails where the run has."""
        return {REPORT: self.end(self.start(REPORT, run))[1]}

    def delete(self, name: str) -> None:
        """Deletes a pod, which has a second to end."""
        self.cluster("-n", self.namespace, "delete", "pod", name, "--grace-period=1")

    def _status(self, name: str) -> Any:
        return json.loads(self.cluster("-n", self.namespace, "get", "pod", name, "-o", "json"))[
            "status"
        ]


def ending(said: dict[str, str]) -> RunResult:
    """Returns how the report says that the run ended."""
    [found] = results(said[REPORT])
    return RunResult.from_line(found)
