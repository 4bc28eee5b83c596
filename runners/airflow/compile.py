"""Writes the folder that a site drops into Airflow's DAG folder; `dag.py` in it reads it."""

import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

from beltline.runners.paths import Paths

DAG = "dag.py"
DEPLOYMENT = "deployment.json"
# Airflow looks for DAGs in every Python file of its folder.
_IGNORED = "bundles/\nnodes.py\n*_nodes.py\nmonitoring.py\n"


def resolved(airflow: dict[str, Any], paths: Paths) -> dict[str, Any]:
    """Returns the settings' section `airflow` with every place filled in that it leaves open.

    In a pod, places are on the volume; elsewhere they are those of this machine.
    """
    if airflow["where"] == "kubernetes":
        volume = airflow["kubernetes"]["mount_path"]
        bundles = airflow["kubernetes"]["bundles"] or f"{volume}/bundles"
        defaults = {"environment": None, "root": volume, "data": volume, "bundles": bundles}
    else:
        # An image has an environment of its own.
        environment = sys.prefix if airflow["where"] == "bash" else None
        defaults = {"environment": environment, "root": str(paths.root), "data": str(paths.data)}
    chosen = {key: airflow.get(key) or value for key, value in defaults.items()}
    return {"bundles": None, **airflow, **chosen}


def write(
    folder: Path,
    bundle: str,
    airflow: dict[str, Any],
    monitoring: dict[str, Any],
    settings: dict[str, Any],
) -> None:
    """Writes everything but the bundle into `folder`, each file at once.

    Args:
      folder: where the bundle is already, as `bundles/<bundle>`: whoever reads `deployment.json`
        at any moment finds the bundle that it names.
      bundle: the name of the bundle's folder.
      airflow: the settings' section `airflow` with every place filled in, and the task.
      monitoring: the settings' section of that name. It is not in the bundle: other limits make no
        other model.
      settings: all settings, to be shown.
    """
    written = {
        "bundle": bundle,
        "airflow": airflow,
        "monitoring": monitoring,
        "settings": json.dumps(settings, indent=2, ensure_ascii=False),
    }
    _open_to_readers(folder, bundle)
    _replace(folder / ".airflowignore", _IGNORED)
    # Whoever reads one of these files finds what it names: the DAG file is the last.
    for name in ("nodes.py", f"{airflow['where']}_nodes.py", "monitoring.py"):
        _replace(folder / name, _beside(name))
    _replace(folder / DEPLOYMENT, json.dumps(written, indent=2, ensure_ascii=False) + "\n")
    _replace(folder / DAG, _beside(DAG))


def _beside(name: str) -> str:
    return (Path(__file__).parent / "dag" / name).read_text(encoding="utf-8")


def _open_to_readers(folder: Path, bundle: str) -> None:
    """Airflow is another user, whatever the umask here is; nothing in a bundle is secret."""
    path = folder / "bundles" / bundle
    for each in (folder, path.parent, path):
        each.chmod(0o755)
    for file in path.iterdir():
        file.chmod(0o644)


def _replace(path: Path, text: str) -> None:
    """Writes a file that Airflow, as another user, may be reading at this moment."""
    handle, staged = tempfile.mkstemp(prefix=".", dir=path.parent)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            stream.write(text)
        Path(staged).chmod(0o644)
        Path(staged).replace(path)
    except BaseException:
        Path(staged).unlink(missing_ok=True)
        raise
