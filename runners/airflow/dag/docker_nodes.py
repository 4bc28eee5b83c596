"""Nodes in Docker containers on the worker's machine, with resource limits."""

import os
from pathlib import Path
from typing import Any

from airflow.providers.docker.operators.docker import DockerOperator
from docker.types import DeviceRequest, Mount

from .nodes import (
    DATABASE,
    GRACE_SECONDS,
    METADATA,
    TOOL_SECRETS,
    Context,
    Deployment,
    Environment,
    end_with_parent,
    forced,
    log,
    node_command,
)
from .results import NodeLog, announce, conclude, hold

# Beam shuffles in shared memory; Docker's default is 64 MiB.
_SHARED_MEMORY = 2**30


class DockerNode(DockerOperator):
    """Runs a node in a container, which ends with its task.

    The provider connects to the daemon and pulls the image. But it sets CPU limits only as a
    relative weight, and logs every line as INFO: so this creates and follows the container itself.
    """

    # An argument that ends in .sh is not a template file.
    template_ext = ()

    def __init__(self, *, deployment: Deployment, resources: dict[str, Any], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._deployment = deployment
        self._resources = resources
        self._label = ""

    def execute(self, context: Context) -> dict[str, Any]:
        """Runs the node and returns its result."""
        end_with_parent()
        self._label = _label(context)
        self._remove_leftovers()
        Path(self._deployment.airflow["root"]).mkdir(parents=True, exist_ok=True)
        again = ["--force"] if forced(context["params"], self.task_id) else []
        self.command: list[str] = [*self.command, *again]
        exit_code, found = super().execute(context)
        hold(context, found)
        result = conclude(exit_code, found)
        for asset in self.outlets:
            announce(context, asset, result)
        return result

    def reconcile(self, context: Context, reason: str) -> None:
        """Stops the container of a killed task, and reconciles ML Metadata."""
        self._label = _label(context)
        self._remove_leftovers()
        self.command = self._deployment.reconcile_command([self.task_id], context, reason)
        exit_code, _ = self._run_image()
        log.info("reconcile: exit code %s", exit_code)

    def on_kill(self) -> None:
        """Stops the node, which marks its execution as failed."""
        if self.container is not None:
            self.cli.stop(self.container["Id"], timeout=GRACE_SECONDS)

    def _run_image(self) -> tuple[int, dict[str, Any]]:
        """Returns the exit code and the node's result."""
        client = self.cli
        self.container = client.create_container(
            image=self.image,
            command=self.command,
            environment=self._environment(),
            user=self.user,
            labels={"beltline": self._label},
            host_config=client.create_host_config(**self.limits()),
        )
        lines = NodeLog()
        try:
            output = client.attach(self.container["Id"], stdout=True, stderr=True, stream=True)
            client.start(self.container["Id"])
            _follow(output, lines)
            return int(client.wait(self.container["Id"])["StatusCode"]), lines.result
        finally:
            client.remove_container(self.container["Id"], force=True)

    def limits(self) -> dict[str, Any]:
        """Returns the container's limits: CPU, memory, GPUs, mounts, capabilities."""
        cores, memory = self._resources["cpu"], self._resources["memory"]
        gpus = self._resources["gpu"]
        return {
            "nano_cpus": round(cores * 10**9) if cores else None,
            # Docker writes g for what Kubernetes calls Gi.
            "mem_limit": memory.removesuffix("i").lower() if memory else None,
            "device_requests": [DeviceRequest(count=gpus, capabilities=[["gpu"]])] if gpus else [],
            "mounts": self.mounts,
            "network_mode": self.network_mode,
            "shm_size": _SHARED_MEMORY,
            "security_opt": ["no-new-privileges"],
            "cap_drop": ["ALL"],
            # An init process that forwards SIGTERM while Python is starting.
            "init": True,
        }

    def _environment(self) -> Environment:
        wanted = [METADATA, *TOOL_SECRETS, *([DATABASE] if self._deployment.has_query else [])]
        here = {name: os.environ[name] for name in wanted if name in os.environ}
        return {**here, **self._deployment.environment()}

    def _remove_leftovers(self) -> None:
        """Removes the containers of a killed attempt, so that no two run the same node."""
        filters = {"label": f"beltline={self._label}"}
        for container in self.cli.containers(all=True, filters=filters):
            log.warning("stopping a container of a killed task")
            self.cli.stop(container["Id"], timeout=GRACE_SECONDS)
            self.cli.remove_container(container["Id"], force=True)


def _label(context: Context) -> str:
    task = context["task"]
    return f"{task.dag_id}/{context['run_id']}/{task.task_id}"


def _follow(output: Any, lines: NodeLog) -> None:
    """Logs the lines of a stream of chunks."""
    rest = b""
    for piece in output:
        *whole, rest = (rest + piece).split(b"\n")
        for line in whole:
            lines.take(line.decode(errors="backslashreplace").rstrip())
    if rest:
        lines.take(rest.decode(errors="backslashreplace").rstrip())


def task(deployment: Deployment, node: dict[str, Any], **kwargs: Any) -> DockerNode:
    """Returns the task of a node that runs in a container."""
    chosen = deployment.airflow["docker"]
    return DockerNode(
        deployment=deployment,
        resources=node["resources"],
        image=chosen["image"],
        command=node_command(deployment, node["id"]),
        mounts=mounts(deployment),
        network_mode=chosen["network"],
        user=chosen["user"] or f"{os.getuid()}:{os.getgid()}",
        mount_tmp_dir=False,
        **kwargs,
    )


def mounts(deployment: Deployment) -> list[Mount]:
    """Returns the mounts of a container: all bundles and the data read-only, the root read-write.

    If two are the same folder, as root and data may be, the latter wins.
    """
    bundles, data = str(deployment.bundle.parent), deployment.airflow["data"]
    root = deployment.airflow["root"]
    found = [
        Mount(bundles, bundles, type="bind", read_only=True),
        Mount(data, data, type="bind", read_only=True),
        Mount(root, root, type="bind"),
    ]
    for volume in deployment.airflow["docker"]["volumes"]:
        source, target, *mode = volume.split(":")
        found.append(Mount(target, source, type="bind", read_only=mode == ["ro"]))
    return list({mount["Target"]: mount for mount in found}.values())
