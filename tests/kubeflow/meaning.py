"""What a compiled package means, in a form that a person can compare: not how it is written.

A value that a task is given from outside stands in angle brackets: `<steps>`.
"""

import re
from pathlib import Path
from typing import Any

import yaml

Meaning = dict[str, Any]


def documents(package: Path) -> tuple[Meaning, Meaning]:
    """The pipeline's spec, and what Kubernetes is told beside it."""
    pipeline, platform = yaml.load_all(package.read_text(), yaml.CSafeLoader)
    return pipeline, platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"]


def meaning(package: Path) -> Meaning:
    """What a package takes, and each task that runs in a pod."""
    pipeline, pods = documents(package)
    found = {}
    for dag in (pipeline["root"], *pipeline["components"].values()):
        for name, task in dag.get("dag", {}).get("tasks", {}).items():
            component = pipeline["components"][task["componentRef"]["name"]]
            label = component.get("executorLabel")
            if label:
                container = pipeline["deploymentSpec"]["executors"][label]["container"]
                found[name] = _task(task, component, container) | _pod(pods[label])
    return {
        "schema": pipeline["schemaVersion"],
        "name": pipeline["pipelineInfo"]["name"],
        "parameters": _parameters(pipeline["root"]),
        "tasks": found,
    }


def _parameters(root: Meaning) -> Meaning:
    known = root.get("inputDefinitions", {}).get("parameters", {})
    return {name: [each["parameterType"], each["defaultValue"]] for name, each in known.items()}


def _task(task: Meaning, component: Meaning, container: Meaning) -> Meaning:
    strategy = task.get("triggerPolicy", {}).get("strategy", "ALL_UPSTREAM_TASKS_SUCCEEDED")
    return {
        "after": sorted(task.get("dependentTasks", [])),
        "runs": strategy,
        "cached": bool(task["cachingOptions"].get("enableCache")),
        "retry": task.get("retryPolicy", {}),
        "inputs": {name: _given(each) for name, each in _inputs(task).items()},
        "types": {
            name: each["parameterType"]
            for name, each in component.get("inputDefinitions", {}).get("parameters", {}).items()
        },
        "image": container["image"],
        "command": container["command"],
        "args": [_word(word) for word in container["args"]],
        "env": {each["name"]: each["value"] for each in container["env"]},
        "resources": _resources(container.get("resources", {})),
    }


def _resources(resources: Meaning) -> Meaning:
    """As Kubernetes writes them; Kubeflow has each in an older form besides."""
    known = {
        "cpu": ("resourceCpuRequest", "resourceCpuLimit"),
        "memory": ("resourceMemoryRequest", "resourceMemoryLimit"),
    }
    found = {
        name: [resources.get(key) for key in keys]
        for name, keys in known.items()
        if set(keys) & set(resources)
    }
    if "accelerator" in resources:
        gpu = resources["accelerator"]
        found["gpu"] = [gpu["resourceType"], gpu["resourceCount"]]
    return found


def _inputs(task: Meaning) -> Meaning:
    return dict(task.get("inputs", {}).get("parameters", {}))


def _given(value: Meaning) -> str:
    if "runtimeValue" in value:
        return _constant(value)
    return f"<{value['componentInputParameter'].removeprefix('pipelinechannel--')}>"


def _word(word: str) -> str:
    return re.sub(r"\{\{\$\.inputs\.parameters\['(\w+)'\]\}\}", r"<\1>", word)


def _pod(pod: Meaning) -> Meaning:
    return {
        "secrets": {
            each["secretName"]: {key["secretKey"]: key["envVar"] for key in each["keyToEnv"]}
            for each in pod.get("secretAsEnv", [])
        },
        "volumes": {
            each["mountPath"]: _constant(each["pvcNameParameter"]) for each in pod["pvcMount"]
        },
        "folders": {each["mountPath"]: _folder(each) for each in pod["emptyDirMounts"]},
        "labels": pod["podMetadata"]["labels"],
        "selector": pod.get("nodeSelector", {}).get("labels", {}),
        "tolerations": [each["key"] for each in pod.get("tolerations", [])],
        "security": pod["securityContext"],
        "pull": [
            pod["imagePullPolicy"],
            *(each["secretName"] for each in pod.get("imagePullSecret", [])),
        ],
        "seconds": int(pod["activeDeadlineSeconds"]),
    }


def _constant(value: Meaning) -> str:
    return str(value["runtimeValue"]["constant"])


def _folder(mount: Meaning) -> str:
    return " ".join(mount[key] for key in ("medium", "sizeLimit") if key in mount)
