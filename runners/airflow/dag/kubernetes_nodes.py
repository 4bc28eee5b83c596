"""Nodes in Kubernetes pods; bundles, data and root are on a volume that all pods share.

A task is one pod: of a node, or of several that share it, which run there as one attempt.
"""

import hashlib
import re
import time
from functools import cached_property
from typing import Any

from airflow.providers.cncf.kubernetes.operators.pod import KubernetesPodOperator
from airflow.providers.cncf.kubernetes.utils.pod_manager import PodManager
from airflow.sdk.exceptions import AirflowException, AirflowSkipException
from kubernetes.client import models

from .nodes import (
    GRACE_SECONDS,
    SKIPPED,
    Context,
    Deployment,
    end_with_parent,
    forced,
    group_command,
    log,
    node_command,
)
from .results import PUSHER, NodeLog, announce, conclude, decisive, hold

# Finds the pods of a task again; the names of DAG, run and task may be too long for a label.
_TASK, _RECONCILES = "beltline-task", "beltline-reconciles"
# Beam shuffles in shared memory; Kubernetes' default is 64 MiB.
_SHARED, _SHARED_BYTES = "/dev/shm", "1Gi"  # noqa: S108 - the pod's own
# The reconciling pod starts where the image has just been pulled; it needs little, and no GPU.
_START_SECONDS, _RECONCILE_SECONDS = 60, 300
_RECONCILE = models.V1ResourceRequirements(requests={"cpu": "100m", "memory": "512Mi"})


class NodePodManager(PodManager):
    """Follows a pod's log; lines keep their levels, and some are nodes' results.

    Overrides a private method of the provider; a test says so if a later provider has none.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.lines = NodeLog()

    def _log_message(self, message: str, *_: Any) -> None:
        # The provider adds a newline to the last one.
        self.lines.take(message.rstrip("\n"))


class PodNode(KubernetesPodOperator):
    """Runs a node, or nodes that share a pod, in a pod, which ends with its task.

    The results are lines of its log, so no sidecar and no right to execute in pods is needed.
    """

    # An argument that ends in .sh is not a template file.
    template_ext = ()
    labels: dict[str, str]
    # What is known where this process runs the task; None where a failure is handled in another.
    _started: bool | None = None
    _stopped = False

    def __init__(self, *, deployment: Deployment, nodes: list[str], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._deployment, self._nodes = deployment, nodes

    @cached_property
    def pod_manager(self) -> NodePodManager:
        """The manager that starts and follows the pod."""
        return NodePodManager(kube_client=self.client)

    def execute(self, context: Context) -> dict[str, Any]:
        """Runs the node and returns its result; of several nodes, their results by node."""
        end_with_parent()
        self.labels = {**self.labels, _TASK: _label(context)}
        self._delete_leftovers()
        self.arguments: list[str] = [*self.arguments, *self._forced(context)]
        self._started = False
        try:
            super().execute(context)
        except (AirflowSkipException, AirflowException) as ended:
            code = SKIPPED if isinstance(ended, AirflowSkipException) else 1
            return self.concluded(context, code, {"reason": str(ended)})
        return self.concluded(context, 0, {})

    def concluded(self, context: Context, code: int, otherwise: dict[str, Any]) -> dict[str, Any]:
        """Returns the result or the results in the log, or raises what the task's state asks for.

        Args:
          context: Airflow's.
          code: the exit code.
          otherwise: the result where the log has none that decides.
        """
        # Airflow keeps the value. Before the pod's end, the provider would add a sidecar for it.
        self.do_xcom_push = True
        lines = self.pod_manager.lines
        hold(context, lines.results.get(PUSHER, {}))
        if len(self._nodes) == 1:
            found = pushed = conclude(code, lines.result or otherwise)
        else:
            conclude(code, decisive(self._nodes, lines.results, code) or otherwise)
            found, pushed = lines.results, lines.results.get(PUSHER, {})
        for asset in self.outlets:
            announce(context, asset, pushed)
        return found

    def _forced(self, context: Context) -> list[str]:
        chosen = [node for node in self._nodes if forced(context["params"], node)]
        if not chosen or len(self._nodes) == 1:
            return ["--force"] if chosen else []
        return [f"--force={','.join(chosen)}"]

    def await_pod_start(self, pod: models.V1Pod) -> None:
        """Waits until the pod runs."""
        super().await_pod_start(pod)
        self._started = True

    def on_kill(self) -> None:
        """Deletes the pod of a task that is marked, or whose worker ends."""
        self._stopped = True
        super().on_kill()

    def reconcile(self, context: Context, reason: str) -> None:
        """Deletes the pod of a killed task, and reconciles ML Metadata if a node had begun."""
        self.labels = {**self.labels, _TASK: _label(context)}
        if self._started and self._stopped:
            # There are five seconds left to this process, and twenty to the node.
            log.info("reconcile: the node does it, as its pod ends")
            return
        leftovers = self._delete_leftovers()
        if self._started is False or (leftovers and not any(map(_has_begun, leftovers))):
            log.info("reconcile: the node had not begun")
            return
        command = self._deployment.reconcile_command(self._nodes, context, reason)
        self.cmds, self.arguments = command[:1], command[1:]
        self.labels = {**self.labels, _RECONCILES: "true"}
        self.container_resources = _RECONCILE
        self.node_selector = dict[str, str]()
        pod = self.pod_manager.create_pod(self.build_pod_request_obj())
        try:
            log.info("reconcile: %s", self._last_phase(pod))
        finally:
            self.pod_manager.delete_pod(pod)

    def _last_phase(self, pod: models.V1Pod) -> str:
        """Waits for a pod and returns its phase at the end, or at the end of its time."""
        began, phase = time.monotonic(), "Pending"
        limits = {"Pending": _START_SECONDS, "Running": _RECONCILE_SECONDS}
        while time.monotonic() - began < limits.get(phase, 0):
            time.sleep(2)
            phase = str(self.pod_manager.read_pod(pod).status.phase)
        return phase

    def _delete_leftovers(self) -> list[models.V1Pod]:
        """Deletes the pods of a killed attempt, so that no two run the same node; returns them.

        One that reconciles after that attempt ends first: later it would mark this one's execution.
        """
        found = [pod for pod in self._pods() if _RECONCILES not in pod.metadata.labels]
        for pod in found:
            log.warning("deleting pod %s of a killed task", pod.metadata.name)
            self.pod_manager.delete_pod(pod)
        until = time.monotonic() + 2 * GRACE_SECONDS
        while (left := self._pods()) and time.monotonic() < until:
            time.sleep(1)
        for pod in left:
            # Whoever started it was killed too.
            self.pod_manager.delete_pod(pod)
        return found

    def _pods(self) -> list[models.V1Pod]:
        """Returns the pods of this task in this run."""
        selector = f"{_TASK}={self.labels[_TASK]}"
        listed = self.client.list_namespaced_pod(self.namespace, label_selector=selector)
        return list(listed.items)


def _has_begun(pod: models.V1Pod) -> bool:
    """Returns whether a container of the pod has run."""
    states = [each.state for each in pod.status.container_statuses or []]
    return any(state and (state.running or state.terminated) for state in states)


def _label(context: Context) -> str:
    """Returns a label value of the task in this run; the names may be too long for one."""
    task = context["task"]
    whole = f"{task.dag_id}/{context['run_id']}/{task.task_id}"
    return hashlib.sha256(whole.encode()).hexdigest()[:40]


def task(deployment: Deployment, wanted: dict[str, Any], **kwargs: Any) -> PodNode:
    """Returns the task of a node, or of nodes that share a pod."""
    chosen, nodes = deployment.airflow["kubernetes"], wanted["nodes"]
    shared = len(nodes) > 1
    command = group_command(deployment, nodes) if shared else node_command(deployment, nodes[0])
    return PodNode(
        deployment=deployment,
        nodes=nodes,
        image=chosen["image"],
        image_pull_policy=chosen["image_pull_policy"],
        image_pull_secrets=_pull_secrets(chosen),
        namespace=chosen["namespace"],
        labels=_labels(deployment, wanted["id"]),
        service_account_name=chosen["service_account"],
        automount_service_account_token=False,
        cmds=command[:1],
        arguments=command[1:],
        env_vars=deployment.environment(),
        container_resources=resources(wanted["resources"], chosen["accelerator"]),
        security_context=models.V1PodSecurityContext(
            run_as_non_root=True, seccomp_profile=models.V1SeccompProfile(type="RuntimeDefault")
        ),
        container_security_context=models.V1SecurityContext(
            allow_privilege_escalation=False, capabilities=models.V1Capabilities(drop=["ALL"])
        ),
        skip_on_exit_code=SKIPPED,
        # The provider waits so long for a machine, and then for the image.
        startup_timeout_seconds=chosen["startup_minutes"] * 60,
        on_finish_action="delete_pod",
        termination_grace_period=GRACE_SECONDS,
        log_pod_spec_on_failure=False,
        # Out of memory, evicted, not scheduled: the cluster knows why.
        log_events_on_failure=True,
        # A retry must not reattach to the pod of an attempt that was marked failed.
        durable=False,
        **_volumes(chosen),
        **_environment(chosen),
        **_scheduling(chosen, wanted["resources"]["gpu"]),
        **kwargs,
    )


def resources(wanted: dict[str, Any], accelerator: str) -> models.V1ResourceRequirements:
    """Returns equal requests and limits."""
    named = {"cpu": wanted["cpu"], "memory": wanted["memory"], accelerator: wanted["gpu"]}
    given = {name: str(value) for name, value in named.items() if value}
    return models.V1ResourceRequirements(requests=given, limits=given)


def _pull_secrets(chosen: dict[str, Any]) -> list[models.V1LocalObjectReference]:
    return [models.V1LocalObjectReference(name=name) for name in chosen["image_pull_secrets"]]


def _labels(deployment: Deployment, task_id: str) -> dict[str, str]:
    """Returns the labels of a task's pod; the databases' network policies admit the first one."""
    return {
        **deployment.airflow["kubernetes"]["labels"],
        "app.kubernetes.io/name": "beltline",
        "beltline/pipeline": _label_value(deployment.name),
        "beltline/task": _label_value(task_id),
    }


# As runners/kubeflow/compile/pods.py does, which Airflow's environment doesn't have.
def _label_value(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9_.-]", "-", text)[:63].strip("_.-")


def _volumes(chosen: dict[str, Any]) -> dict[str, Any]:
    claim = models.V1PersistentVolumeClaimVolumeSource(claim_name=chosen["volume_claim"])
    memory = models.V1EmptyDirVolumeSource(medium="Memory", size_limit=_SHARED_BYTES)
    return {
        "volumes": [
            models.V1Volume(name="beltline", persistent_volume_claim=claim),
            models.V1Volume(name="shared-memory", empty_dir=memory),
        ],
        "volume_mounts": [
            models.V1VolumeMount(name="beltline", mount_path=chosen["mount_path"]),
            models.V1VolumeMount(name="shared-memory", mount_path=_SHARED),
        ],
    }


def _environment(chosen: dict[str, Any]) -> dict[str, Any]:
    if not chosen["secret"]:
        return {}
    secret = models.V1SecretEnvSource(name=chosen["secret"])
    return {"env_from": [models.V1EnvFromSource(secret_ref=secret)]}


def _scheduling(chosen: dict[str, Any], gpus: int) -> dict[str, Any]:
    """Returns the node selector and tolerations of a pod with a GPU; other pods have none."""
    if not gpus:
        return {}
    tolerations = [
        models.V1Toleration(key=key, operator="Exists", effect="NoSchedule")
        for key in chosen["tolerations"]
    ]
    return {"node_selector": chosen["node_selector"], "tolerations": tolerations}
