"""Nodes in Kubernetes pods; bundles, data and root are on a volume that all pods share."""

import hashlib
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
    NodeLog,
    announce,
    conclude,
    end_with_parent,
    forced,
    log,
    node_command,
)

_GPU = "nvidia.com/gpu"
_RECONCILE_SECONDS = 300


class Pods(PodManager):
    """Follows a pod's log; lines keep their levels, and the last one is the node's result.

    Overrides a private method of the provider; a test says so if a later provider has none.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.lines = NodeLog()

    def _log_message(self, message: str, *_: Any) -> None:
        self.lines.take(message)


class PodNode(KubernetesPodOperator):
    """Runs a node in a pod, which ends with its task.

    The result is the last line of its log, so no sidecar and no right to execute in pods is needed.
    """

    # An argument that ends in .sh is not a template file.
    template_ext = ()

    def __init__(self, *, deployment: Deployment, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._deployment = deployment

    @cached_property
    def pod_manager(self) -> Pods:
        """The manager that starts and follows the pod."""
        return Pods(kube_client=self.client)

    def execute(self, context: Context) -> dict[str, Any]:
        """Runs the node and returns its result."""
        end_with_parent()
        self.labels = {"beltline-task": _label(context)}
        self._delete_leftovers()
        again = ["--force"] if forced(context["params"], self.task_id) else []
        self.arguments: list[str] = [*self.arguments, *again]
        try:
            super().execute(context)
        except (AirflowSkipException, AirflowException) as ended:
            code = SKIPPED if isinstance(ended, AirflowSkipException) else 1
            return conclude(code, self.pod_manager.lines.result or {"reason": str(ended)})
        result = conclude(0, self.pod_manager.lines.result)
        for asset in self.outlets:
            announce(context, asset, result)
        return result

    def reconcile(self, context: Context, reason: str) -> None:
        """Deletes the pod of a killed task, and reconciles ML Metadata."""
        self.labels = {"beltline-task": _label(context)}
        self._delete_leftovers()
        command = self._deployment.reconcile_command(context, reason)
        self.cmds, self.arguments = command[:1], command[1:]
        pod = self.pod_manager.create_pod(self.build_pod_request_obj())
        until = time.monotonic() + _RECONCILE_SECONDS
        phase = ""
        while phase not in ("Succeeded", "Failed") and time.monotonic() < until:
            time.sleep(2)
            phase = self.pod_manager.read_pod(pod).status.phase
        self.pod_manager.delete_pod(pod)
        log.info("reconcile: %s", phase)

    def _delete_leftovers(self) -> None:
        """Deletes the pods of a killed attempt, so that no two run the same node."""
        [(name, label)] = self.labels.items()
        where = {"namespace": self.namespace, "label_selector": f"{name}={label}"}
        for pod in self.client.list_namespaced_pod(**where).items:
            log.warning("deleting pod %s of a killed task", pod.metadata.name)
            self.pod_manager.delete_pod(pod)
        until = time.monotonic() + 2 * GRACE_SECONDS
        while self.client.list_namespaced_pod(**where).items and time.monotonic() < until:
            time.sleep(1)


def _label(context: Context) -> str:
    """Returns a label value of the task in this run; the names may be too long for one."""
    task = context["task"]
    whole = f"{task.dag_id}/{context['run_id']}/{task.task_id}"
    return hashlib.sha256(whole.encode()).hexdigest()[:40]


def task(deployment: Deployment, node: dict[str, Any], **kwargs: Any) -> PodNode:
    """Returns the task of a node that runs in a pod."""
    chosen = deployment.airflow["kubernetes"]
    command = node_command(deployment, node["id"])
    return PodNode(
        deployment=deployment,
        image=chosen["image"],
        namespace=chosen["namespace"],
        service_account_name=chosen["service_account"],
        automount_service_account_token=False,
        cmds=command[:1],
        arguments=command[1:],
        env_vars=deployment.environment(),
        container_resources=resources(node["resources"]),
        security_context=models.V1PodSecurityContext(
            run_as_non_root=True, seccomp_profile=models.V1SeccompProfile(type="RuntimeDefault")
        ),
        container_security_context=models.V1SecurityContext(
            allow_privilege_escalation=False, capabilities=models.V1Capabilities(drop=["ALL"])
        ),
        skip_on_exit_code=SKIPPED,
        on_finish_action="delete_pod",
        termination_grace_period=GRACE_SECONDS,
        log_pod_spec_on_failure=False,
        # A retry must not reattach to the pod of an attempt that was marked failed.
        durable=False,
        **_volume(chosen),
        **_environment(chosen),
        **_scheduling(chosen, node["resources"]["gpu"]),
        **kwargs,
    )


def resources(wanted: dict[str, Any]) -> models.V1ResourceRequirements:
    """Returns equal requests and limits."""
    named = {"cpu": wanted["cpu"], "memory": wanted["memory"], _GPU: wanted["gpu"]}
    given = {name: str(value) for name, value in named.items() if value}
    return models.V1ResourceRequirements(requests=given, limits=given)


def _volume(chosen: dict[str, Any]) -> dict[str, Any]:
    claim = models.V1PersistentVolumeClaimVolumeSource(claim_name=chosen["volume_claim"])
    return {
        "volumes": [models.V1Volume(name="beltline", persistent_volume_claim=claim)],
        "volume_mounts": [models.V1VolumeMount(name="beltline", mount_path=chosen["mount_path"])],
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
