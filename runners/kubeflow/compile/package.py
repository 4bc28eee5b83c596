"""The packages that Kubeflow Pipelines loads: YAML files, made of a bundle and the settings.

A task for each node, with the node's own edges; before them `unpack`, where the package carries the
bundle; after them, whatever happened, `report`. The monitoring's package has the same tasks, behind
one that looks whether there is a reason to run them. Nothing of this machine and nothing secret is
in them: secrets are named, and the cluster fills them in.
"""

import tempfile
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from kfp import compiler, dsl

from beltline.base.database_url import DATABASE
from beltline.base.errors import WrongInput
from beltline.base.files import replace
from beltline.base.settings.beam import Beam
from beltline.base.settings.kubeflow import Kubeflow
from beltline.base.settings.tracking import Tracking
from beltline.bundle.folder import Bundle
from beltline.runners.kubeflow.compile.components import Channels, function
from beltline.runners.kubeflow.compile.limits import BUNDLE_BYTES
from beltline.runners.kubeflow.compile.parts import TYPES, YES, Parts, bundle_path
from beltline.runners.kubeflow.delivery import encoded
from beltline.runners.kubeflow.tasks import FORCE, parameter_name
from beltline.runners.paths import METADATA

PACKAGE = "pipeline.yaml"
MONITOR_PACKAGE = "monitor.yaml"

_NEEDED = {
    "image": "set it to the image that `make image` builds, by its name in your registry",
    "volume_claim": "set it to a persistent volume claim that all pods share",
}


def check(kubeflow: Kubeflow, has_query: bool = False) -> None:
    """Checks that the settings' section `kubeflow` has everything that a pod needs.

    `write` and `write_monitor` expect a section that passed.

    Args:
      kubeflow: the section.
      has_query: whether a node reads rows from a query, not from files.

    Raises:
      WrongInput: a setting is missing.
    """
    for key, need in _NEEDED.items():
        if not getattr(kubeflow, key):
            raise WrongInput(f"kubeflow.{key}: required for Kubeflow: {need}")
    variables = [each for entries in kubeflow.secrets.values() for each in entries.values()]
    if METADATA not in variables:
        raise WrongInput(
            f"kubeflow.secrets: one entry must become {METADATA}, since pods share ML Metadata in "
            f"MySQL or PostgreSQL: write `secrets: {{beltline: {{{METADATA}: {METADATA}}}}}`, "
            "where the secret `beltline` of the cluster holds the connection under that key"
        )
    if has_query and DATABASE not in variables:
        raise WrongInput(
            f"kubeflow.secrets: one entry must become {DATABASE}, the database of the query: "
            f"write `secrets: {{…, parts: {{{DATABASE}: {DATABASE}}}}}`, where the secret `parts` "
            "of the cluster holds the connection under that key"
        )


def write(
    folder: Path,
    bundle: Bundle,
    kubeflow: Kubeflow,
    beam: Beam | None = None,
    tracking: Tracking | None = None,
    artifacts: str | None = None,
) -> Path:
    """Writes the pipeline's package into `folder`, atomically, and returns its file.

    Args:
      folder: where to write.
      bundle: the bundle that the package runs.
      kubeflow: the settings' section of that name.
      beam: the settings' section of that name.
      tracking: the settings' section of that name.
      artifacts: where they are kept, if not on the volume.

    Raises:
      WrongInput: the bundle is too large for the package.
    """
    parts = _parts(folder, bundle, kubeflow, beam, tracking, artifacts)

    def tasks(channels: Channels) -> None:
        with dsl.ExitHandler(parts.report(), name="nodes"):
            parts.nodes(channels)

    return _compiled(folder / PACKAGE, bundle.manifest.name, parts, tasks)


def write_monitor(
    folder: Path,
    bundle: Bundle,
    kubeflow: Kubeflow,
    monitoring: dict[str, Any],
    beam: Beam | None = None,
    tracking: Tracking | None = None,
    artifacts: str | None = None,
) -> Path:
    """Writes the monitoring package into `folder`, atomically, and returns its file.

    Args:
      folder: where to write.
      bundle: the bundle that runs on an alarm.
      kubeflow: the settings' section of that name.
      monitoring: the settings' section of that name. It is not in the bundle, as the limits don't
        change the model.
      beam: the settings' section of that name.
      tracking: the settings' section of that name.
      artifacts: where they are kept, if not on the volume.
    """
    parts = _parts(folder, bundle, kubeflow, beam, tracking, artifacts)

    def tasks(channels: Channels) -> None:
        # Kubeflow allows an exit handler only around everything, not within the condition.
        with dsl.ExitHandler(parts.report(monitored=True), name="watch"):
            alarm = parts.monitor(monitoring)
            with dsl.If(alarm == YES, name="retrain"):
                parts.nodes(channels)

    return _compiled(folder / MONITOR_PACKAGE, f"{bundle.manifest.name}-monitor", parts, tasks)


def _parts(
    folder: Path,
    bundle: Bundle,
    kubeflow: Kubeflow,
    beam: Beam | None,
    tracking: Tracking | None,
    artifacts: str | None,
) -> Parts:
    text = None if kubeflow.bundle == "volume" else _delivered(folder, bundle, kubeflow)
    where = (beam or Beam(), tracking or Tracking(), artifacts)
    return Parts(bundle.manifest, kubeflow, text, *where)


def _compiled(file: Path, name: str, parts: Parts, tasks: Callable[[Channels], None]) -> Path:
    given = {parameter_name(each): it for each, it in parts.manifest.parameters.items()}
    inputs = {each: (TYPES[it.type], it.default) for each, it in given.items()}
    made = function(name, {**inputs, FORCE: (str, "")}, tasks)
    pipeline = dsl.pipeline(name=name.replace("_", "-").lower(), display_name=name)
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        # They are about kfp's own code.
        warnings.simplefilter("ignore")
        staged = Path(folder) / file.name
        # For each task kfp looks up the module of every frame of the stack: a thread has few.
        with ThreadPoolExecutor(1) as thread:
            thread.submit(lambda: compiler.Compiler().compile(pipeline(made), str(staged))).result()
        replace(file, staged.read_text(encoding="utf-8"))
    return file


def _delivered(folder: Path, bundle: Bundle, kubeflow: Kubeflow) -> str:
    text = encoded(bundle, without_installed=kubeflow.bundle == "image")
    if len(text) > BUNDLE_BYTES:
        raise WrongInput(
            f"kubeflow.bundle: the bundle takes {len(text):,} bytes in the package, which allows "
            f"{BUNDLE_BYTES:,}: set `bundle: volume`, and copy "
            f"{folder / 'bundles' / bundle.path.name} to the volume of kubeflow.volume_claim, "
            f"where pods find it as {bundle_path(bundle.manifest, kubeflow)}"
        )
    return text
