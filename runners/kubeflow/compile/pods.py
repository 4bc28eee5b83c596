"""The pods of the tasks: volume, secrets, resources, security context, timeout.

The functions take the section `kubeflow` of the settings with all paths resolved. Kubeflow's
backend adds to each container what the restricted pod security standard requires: no privilege
escalation, no capabilities, the runtime's seccomp profile. It sets no read-only root filesystem,
but policy engines do: so everything is written to a volume, also `/tmp`.
"""

import re
from typing import Any

from kfp import dsl, kubernetes

from beltline.bundle.manifest import Resources
from beltline.runners.paths import DATA, ROOT

# Beam shuffles in shared memory; Kubernetes' default is 64 MiB.
_SHARED, _SHARED_BYTES = "/dev/shm", "1Gi"  # noqa: S108 - the pod's own, as below
_TEMPORARY = "/tmp"  # noqa: S108 - the pod's own, an empty folder
# Unpacking and reporting don't import TensorFlow. Quotas reject pods without requests.
_SMALL = Resources(cpu=0.5, memory="512Mi")
# Monitoring imports TFDV, and loads the samples of a window.
_MONITORING = Resources(cpu=1, memory="2Gi")


def set_up_node(task: dsl.PipelineTask, node: str, resources: Resources, chosen: Any) -> None:
    """Configures the task of a node."""
    _set_up(task, node, resources, chosen)
    _retry(task, chosen)
    _add_secrets(task, chosen)
    kubernetes.empty_dir_mount(task, "shared-memory", _SHARED, "Memory", _SHARED_BYTES)
    if resources.gpu:
        task.set_accelerator_type(chosen["accelerator"]).set_accelerator_limit(resources.gpu)
        for key, value in sorted(chosen["node_selector"].items()):
            kubernetes.add_node_selector(task, key, value)
        for key in chosen["tolerations"]:
            kubernetes.add_toleration(task, key, "Exists")


def set_up_unpack(task: dsl.PipelineTask, chosen: Any) -> None:
    """Configures the task that writes the bundle, without secrets: it needs none."""
    _set_up(task, "unpack", _SMALL, chosen)
    _retry(task, chosen)


def set_up_monitor(task: dsl.PipelineTask, chosen: Any) -> None:
    """Configures the monitoring task, without secrets: it only reads files."""
    _set_up(task, "monitor", _MONITORING, chosen)
    _retry(task, chosen)


def set_up_report(task: dsl.PipelineTask, chosen: Any) -> None:
    """Configures the exit task, without retries: it fails to report a failure."""
    _set_up(task, "report", _SMALL, chosen)
    _add_secrets(task, chosen)


def _set_up(task: dsl.PipelineTask, name: str, resources: Resources, chosen: Any) -> None:
    task.set_display_name(name)
    # TFX's launcher caches; only it knows what a result depends on.
    task.set_caching_options(enable_caching=False)
    _limit(task, resources)
    _environment(task, chosen)
    kubernetes.set_timeout(task, chosen["timeout_minutes"] * 60)
    kubernetes.mount_pvc(task, chosen["volume_claim"], chosen["mount_path"])
    kubernetes.empty_dir_mount(task, "temporary", _TEMPORARY)
    kubernetes.set_image_pull_policy(task, chosen["image_pull_policy"])
    if chosen["image_pull_secrets"]:
        kubernetes.set_image_pull_secrets(task, chosen["image_pull_secrets"])
    kubernetes.set_security_context(task, chosen["user"], chosen["group"], run_as_non_root=True)
    for key, value in sorted(_labels(name, chosen).items()):
        kubernetes.add_pod_label(task, key, value)


def _limit(task: dsl.PipelineTask, resources: Resources) -> None:
    """Sets requests and limits to the same values, so that no node can starve another."""
    if resources.cpu:
        cores = f"{resources.cpu:g}"
        task.set_cpu_request(cores).set_cpu_limit(cores)
    if resources.memory:
        task.set_memory_request(resources.memory).set_memory_limit(resources.memory)


def _environment(task: dsl.PipelineTask, chosen: Any) -> None:
    task.set_env_variable(ROOT, chosen["root"]).set_env_variable(DATA, chosen["data"])
    # The user may not exist in the image, and so has no home there.
    task.set_env_variable("HOME", _TEMPORARY)


def _add_secrets(task: dsl.PipelineTask, chosen: Any) -> None:
    for secret, variables in sorted(chosen["secrets"].items()):
        kubernetes.use_secret_as_env(task, secret, dict(sorted(variables.items())))


def _labels(name: str, chosen: Any) -> dict[str, str]:
    return {
        **chosen["labels"],
        "app.kubernetes.io/name": "beltline",
        "beltline/pipeline": _label_value(chosen["name"]),
        "beltline/node": _label_value(name),
    }


def _label_value(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9_.-]", "-", text)[:63].strip("_.-")


def _retry(task: dsl.PipelineTask, chosen: Any) -> None:
    if not chosen["retries"]:
        return
    retries, delay = chosen["retries"], chosen["retry_delay_seconds"]
    # Counted from the start of the first attempt: if it were less than all attempts together, a
    # long-running node would not be retried.
    whole = (retries + 1) * chosen["timeout_minutes"] * 60 + delay * (2**retries - 1)
    task.set_retry(retries, f"{delay}s", 2.0, f"{whole}s")
