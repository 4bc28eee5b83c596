"""Runs a compiled package by `kfp.local`, each task in a container of its own.

`python -m tests.kubeflow.run_package ORDER`, the order being a JSON object: `package`, `volume`
(the folder that stands for the claim), `mount_path`, `secret` (a file), `arguments`, `folder` (for
KFP's own files). Prints what the containers print.
"""

import json
import sys
from pathlib import Path
from typing import Any

from docker.models.containers import ContainerCollection
from docker.types import Mount
from kfp import components, local
from kfp.local.io import IOStore

# Stands for the kubelet, which hands a Secret's entries to a container as its environment.
KUBELET = """\
#!/bin/sh
set -a
. /run/secret
exec "$@"
"""
# A user whom no image knows, as on clusters that give each namespace its own.
USER = "4711:4711"


def container(order: dict[str, Any]) -> dict[str, Any]:
    """Returns how a pod that conforms to the restricted standard would be run by Docker."""
    kubelet = Path(order["folder"]) / "kubelet"
    kubelet.write_text(KUBELET)
    kubelet.chmod(0o755)
    return {
        "mounts": [
            Mount(order["mount_path"], order["volume"], type="bind"),
            Mount("/run/secret", order["secret"], type="bind", read_only=True),
            Mount("/kubelet", str(kubelet), type="bind", read_only=True),
        ],
        "entrypoint": ["/kubelet"],
        "user": USER,
        # The database listens on this machine's own address.
        "network_mode": "host",
        "read_only": True,
        "tmpfs": {"/tmp": "mode=1777,exec"},  # noqa: S108 - the container's own
        "cap_drop": ["ALL"],
        "security_opt": ["no-new-privileges"],
    }


def let_conditions_find_outputs() -> None:
    """Makes a task's output known by the name that a condition has for it, as Kubeflow does.

    Its local runner looks there for inputs alone, and for an output of the name `Output`: which
    its compiler forbids where a container writes it.
    """
    put = IOStore.put_task_output

    def put_for_conditions(store: IOStore, task: str, key: str, value: Any) -> None:
        put(store, task, key, value)
        store.put_parent_input(f"pipelinechannel--{task}-{key}", value)

    IOStore.put_task_output = put_for_conditions


def keep_containers() -> None:
    """Keeps a container that has ended until the engine ends.

    Kubeflow's local runner has them removed, and takes one that it no longer finds for a success:
    so one that failed fast.
    """
    run = ContainerCollection.run

    def kept(collection: ContainerCollection, *given: Any, **options: Any) -> Any:
        return run(collection, *given, **{**options, "auto_remove": False})

    ContainerCollection.run = kept


def main() -> None:
    let_conditions_find_outputs()
    keep_containers()
    order = json.loads(Path(sys.argv[1]).read_text())
    local.init(
        runner=local.DockerRunner(**container(order)),
        pipeline_root=order["folder"],
        raise_on_error=False,
    )
    components.load_component_from_file(order["package"])(**order["arguments"])


if __name__ == "__main__":
    main()
