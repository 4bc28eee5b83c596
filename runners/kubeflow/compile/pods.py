"""The pods of the tasks: volume, secrets, resources, security context, timeout.

Kubeflow's backend adds to each container what the restricted pod security standard requires: no
privilege escalation, no capabilities, the runtime's seccomp profile. It sets no read-only root
filesystem, but policy engines do: so everything is written to a volume, also `/tmp`.
"""

import re
from dataclasses import dataclass

from kfp import dsl, kubernetes

from beltline.base.settings.beam import Beam
from beltline.base.settings.kubeflow import Kubeflow
from beltline.base.settings.tracking import Tracking
from beltline.bundle.manifest import Resources
from beltline.runners.paths import (
    DATA,
    ROOT,
    WEBHOOK,
    artifacts_environment,
    beam_environment,
    tracking_environment,
)
from beltline.runners.pods.groups import Group

# Beam shuffles in shared memory; Kubernetes' default is 64 MiB.
_SHARED, _SHARED_BYTES = "/dev/shm", "1Gi"  # noqa: S108 - the pod's own, as below
_TEMPORARY = "/tmp"  # noqa: S108 - the pod's own, an empty folder
# Unpacking and reporting don't import TensorFlow. Quotas reject pods without requests.
_SMALL = Resources(cpu=0.5, memory="512Mi")
# Monitoring imports TFDV, and loads the samples of a window.
_MONITORING = Resources(cpu=1, memory="2Gi")


@dataclass(frozen=True)
class PodSetup:
    """Configures tasks by the settings' sections, for the pipeline of a name."""

    kubeflow: Kubeflow
    pipeline: str
    beam: Beam
    tracking: Tracking
    artifacts: str | None

    def group(self, task: dsl.PipelineTask, group: Group) -> None:
        """Configures the task of a group of nodes."""
        seconds = len(group.nodes) * self._seconds_of_attempts()
        self._set_up(task, group.name, group.resources, seconds)
        self._retry(task, seconds)
        self._add_secrets(task)
        if self.beam != Beam():
            for name, value in beam_environment(self.beam).items():
                task.set_env_variable(name, value)
        self._track(task)
        kubernetes.empty_dir_mount(task, "shared-memory", _SHARED, "Memory", _SHARED_BYTES)
        if gpus := group.resources.gpu:
            kubeflow = self.kubeflow
            task.set_accelerator_type(kubeflow.accelerator).set_accelerator_limit(gpus)
            for key, value in sorted(kubeflow.node_selector.items()):
                kubernetes.add_node_selector(task, key, value)
            for key in kubeflow.tolerations:
                kubernetes.add_toleration(task, key, "Exists")

    def unpack(self, task: dsl.PipelineTask) -> None:
        """Configures the task that writes the bundle, without secrets: it needs none."""
        self._set_up(task, "unpack", _SMALL, self._seconds)
        self._retry(task, self._seconds)

    def monitor(self, task: dsl.PipelineTask) -> None:
        """Configures the monitoring task, with no secret but a webhook's: it only reads files."""
        self._set_up(task, "monitor", _MONITORING, self._seconds)
        self._retry(task, self._seconds)
        self._add_secrets(task, only=WEBHOOK)
        self._track(task)

    def report(self, task: dsl.PipelineTask) -> None:
        """Configures the exit task, without retries: it fails to report a failure."""
        self._set_up(task, "report", _SMALL, self._seconds)
        self._add_secrets(task)
        self._track(task)

    def _set_up(
        self, task: dsl.PipelineTask, name: str, resources: Resources, seconds: int
    ) -> None:
        kubeflow = self.kubeflow
        task.set_display_name(name)
        # TFX's launcher caches; only it knows what a result depends on.
        task.set_caching_options(enable_caching=False)
        _limit(task, resources)
        task.set_env_variable(ROOT, kubeflow.pod_root).set_env_variable(DATA, kubeflow.pod_data)
        # The user may not exist in the image, and so has no home there.
        task.set_env_variable("HOME", _TEMPORARY)
        for variable, value in artifacts_environment(self.artifacts).items():
            task.set_env_variable(variable, value)
        kubernetes.set_timeout(task, seconds)
        kubernetes.mount_pvc(task, kubeflow.volume_claim, kubeflow.mount_path)
        kubernetes.empty_dir_mount(task, "temporary", _TEMPORARY)
        kubernetes.set_image_pull_policy(task, kubeflow.image_pull_policy)
        if kubeflow.image_pull_secrets:
            kubernetes.set_image_pull_secrets(task, kubeflow.image_pull_secrets)
        kubernetes.set_security_context(task, kubeflow.user, kubeflow.group, run_as_non_root=True)
        for key, value in sorted(self._labels(name).items()):
            kubernetes.add_pod_label(task, key, value)

    def _add_secrets(self, task: dsl.PipelineTask, only: str = "") -> None:
        for secret, variables in sorted(self.kubeflow.secrets.items()):
            wanted = {key: name for key, name in sorted(variables.items()) if only in ("", name)}
            if wanted:
                kubernetes.use_secret_as_env(task, secret, wanted)

    def _track(self, task: dsl.PipelineTask) -> None:
        if self.tracking != Tracking():
            for name, value in tracking_environment(self.tracking).items():
                task.set_env_variable(name, value)

    def _labels(self, name: str) -> dict[str, str]:
        return {
            **self.kubeflow.labels,
            "app.kubernetes.io/name": "beltline",
            "beltline/pipeline": _label_value(self.pipeline),
            "beltline/task": _label_value(name),
        }

    def _retry(self, task: dsl.PipelineTask, seconds: int) -> None:
        """Has Kubeflow start another pod, as for one that was evicted or deleted."""
        retries, delay = self.kubeflow.retries, self.kubeflow.retry_delay_seconds
        if not retries:
            return
        # Counted from the start of the first attempt: if it were less than all attempts together,
        # a long-running pod would not be retried.
        whole = (retries + 1) * seconds + self._delays()
        task.set_retry(retries, f"{delay}s", 2.0, f"{whole}s")

    @property
    def _seconds(self) -> int:
        return self.kubeflow.timeout_minutes * 60

    def _seconds_of_attempts(self) -> int:
        """Returns the seconds that all attempts of a node may take together."""
        return (self.kubeflow.retries + 1) * self._seconds + self._delays()

    def _delays(self) -> int:
        return self.kubeflow.retry_delay_seconds * (2**self.kubeflow.retries - 1)


def _limit(task: dsl.PipelineTask, resources: Resources) -> None:
    """Sets requests and limits to the same values, so that no node can starve another."""
    if resources.cpu:
        cores = f"{resources.cpu:g}"
        task.set_cpu_request(cores).set_cpu_limit(cores)
    if resources.memory:
        task.set_memory_request(resources.memory).set_memory_limit(resources.memory)


def _label_value(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9_.-]", "-", text)[:63].strip("_.-")
