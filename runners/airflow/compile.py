"""Writes the folder to copy into Airflow's DAG folder; `dag.py` in it reads the rest."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from beltline.base.files import replacing
from beltline.base.settings.airflow import Airflow
from beltline.base.settings.beam import Beam
from beltline.base.settings.tracking import Tracking
from beltline.bundle.folder import Bundle
from beltline.bundle.manifest import Manifest
from beltline.runners.paths import (
    Paths,
    artifacts_environment,
    beam_environment,
    tracking_environment,
)
from beltline.runners.pods.groups import Group, grouped

DAG = "dag.py"
DEPLOYMENT = "deployment.json"
# Airflow looks for DAGs in every Python file of its folder.
_IGNORED = "bundles/\nnodes.py\nresults.py\n*_nodes.py\napproval.py\nmonitoring.py\n"


def resolved(airflow: Airflow, paths: Paths) -> dict[str, Any]:
    """Returns the settings' section `airflow` as `dag.py` reads it: with all paths resolved.

    The defaults are on the volume for pods, and those of this machine otherwise. `variables` are
    what the nodes' environment has besides; without a cluster of `beam`, or a tool of `tracking`,
    the worker's own decides.
    """
    if airflow.where == "kubernetes":
        volume = airflow.kubernetes.mount_path
        bundles = airflow.kubernetes.bundles or f"{volume}/bundles"
        defaults = {"environment": None, "root": volume, "data": volume, "bundles": bundles}
    else:
        # An image has an environment of its own.
        environment = sys.prefix if airflow.where == "bash" else None
        defaults = {"environment": environment, "root": str(paths.root), "data": str(paths.data)}
    chosen = {key: getattr(airflow, key, None) or value for key, value in defaults.items()}
    variables = {
        **(beam_environment(paths.beam) if paths.beam != Beam() else {}),
        **(tracking_environment(paths.tracking) if paths.tracking != Tracking() else {}),
        **artifacts_environment(paths.store),
    }
    return {"bundles": None, **airflow.model_dump(), **chosen, "variables": variables}


def tasks(manifest: Manifest, airflow: Airflow) -> list[Group]:
    """Returns what becomes a task each, in an order in which they can run.

    That is a node, whose state, log and retries Airflow then shows, or nodes that share a pod.

    Raises:
      WrongInput: the settings' groups are invalid.
    """
    chosen = airflow.kubernetes.groups
    if airflow.where == "kubernetes" and chosen is not None:
        return grouped(manifest, chosen, "airflow.kubernetes.groups")
    return [Group(node.id, (node,), node.upstream) for node in manifest.nodes]


def write(
    folder: Path,
    bundle: Bundle,
    tasks: Sequence[Group],
    airflow: dict[str, Any],
    monitoring: dict[str, Any],
    settings: dict[str, Any],
) -> None:
    """Writes everything but the bundle into `folder`, each file atomically.

    Args:
      folder: where to write.
      bundle: the bundle, which is in `folder` already: the one that `deployment.json` names always
        exists.
      tasks: what becomes a task each.
      airflow: the settings' section `airflow` with all paths resolved, and the task.
      monitoring: the settings' section of that name. It is not in the bundle, as the limits don't
        change the model.
      settings: all settings, to show them in Airflow.
    """
    written = {
        "bundle": bundle.path.name,
        "tasks": [_written(task) for task in tasks],
        "airflow": airflow,
        "monitoring": monitoring,
        "settings": json.dumps(settings, indent=2, ensure_ascii=False),
    }
    _open_to_readers(folder, bundle.path)
    _replace(folder / ".airflowignore", _IGNORED)
    # The DAG file is last: it refers to the others.
    executor = f"{airflow['where']}_nodes.py"
    for name in ("nodes.py", "results.py", executor, "approval.py", "monitoring.py"):
        _replace(folder / name, _beside(name))
    _replace(folder / DEPLOYMENT, json.dumps(written, indent=2, ensure_ascii=False) + "\n")
    _replace(folder / DAG, _beside(DAG))


def _written(task: Group) -> dict[str, Any]:
    """Returns a task as `dag.py` reads it."""
    return {
        "id": task.name,
        "nodes": [node.id for node in task.nodes],
        "upstream": task.upstream,
        "resources": task.resources.model_dump(),
    }


def _beside(name: str) -> str:
    return (Path(__file__).parent / "dag" / name).read_text(encoding="utf-8")


def _open_to_readers(folder: Path, path: Path) -> None:
    """Makes the bundle readable for Airflow's user; nothing in a bundle is secret."""
    for each in (folder, path.parent, path):
        each.chmod(0o755)
    for file in path.iterdir():
        file.chmod(0o644)


def _replace(path: Path, text: str) -> None:
    """Writes a file atomically, readable for Airflow, which is another user."""
    with replacing(path) as staged:
        staged.write_text(text, encoding="utf-8")
        staged.chmod(0o644)
