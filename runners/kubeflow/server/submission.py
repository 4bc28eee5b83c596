"""What `beltline submit kubeflow` sends: a version of a pipeline, and a run of it."""

import hashlib
import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import kfp_server_api as kfp

from beltline.base.errors import WrongInput
from beltline.bundle.manifest import Manifest
from beltline.runners.kubeflow.server.api import ApiUnreachable, KubeflowApi
from beltline.runners.kubeflow.server.recurring import Schedule, apply, recurring_runs_of, remove
from beltline.runners.kubeflow.tasks import ALL, FORCE, parameter_name
from beltline.runners.local.partial import check_node
from beltline.runners.node.parameters import read_parameters


@dataclass(frozen=True)
class Uploaded:
    """A version at Kubeflow: ids of the pipeline and the version; `new` unless it was there."""

    pipeline: str
    version: str
    name: str
    new: bool


def upload(api: KubeflowApi, manifest: Manifest, package: Path, of: str = "") -> Uploaded:
    """Uploads a package as a version of the manifest's pipeline, unless it is there already.

    `of` names another pipeline instead.
    """
    # The same bundle may go out with other settings of its pods.
    digest = hashlib.sha256(package.read_bytes()).hexdigest()
    name = f"{manifest.digest[:12]}-{digest[:8]}"
    pipeline = api.pipeline(of or manifest.name)
    version, new = api.version(pipeline, name, package)
    return Uploaded(pipeline, version, name, new)


def run_values(
    manifest: Manifest, given: Sequence[str], force: Sequence[str]
) -> dict[str, str | int]:
    """Returns the package's parameters for `given`, each `name=value`, and the nodes to force.

    Raises:
      click.BadParameter: there is no such parameter, or its value is of another type or form.
      WrongInput: there is no such node.
    """
    typed = read_parameters(manifest, given)
    values = {parameter_name(name): value for name, value in typed.items()}
    nodes = [node.id for node in manifest.nodes]
    for node in force:
        if node != ALL:
            check_node(nodes, "--force", node)
    if force:
        values[FORCE] = ALL if ALL in force else ",".join(force)
    return values


def start(
    api: KubeflowApi,
    uploaded: Uploaded,
    name: str,
    kubeflow: dict[str, Any],
    values: dict[str, str | int],
) -> str:
    """Starts a run of what was uploaded and returns its id; `kubeflow` are the settings."""
    moment = time.strftime("%Y%m%d-%H%M%S", time.gmtime())
    run = kfp.V2beta1Run(
        display_name=f"{name}-{moment}-{secrets.token_hex(2)}",
        experiment_id=api.experiment(kubeflow["experiment"]),
        pipeline_version_reference=kfp.V2beta1PipelineVersionReference(
            pipeline_id=uploaded.pipeline, pipeline_version_id=uploaded.version
        ),
        runtime_config=kfp.V2beta1RuntimeConfig(parameters=values),
        service_account=kubeflow["service_account"],
    )
    try:
        return api.start(run)
    except ApiUnreachable as error:
        raise ApiUnreachable(f"{error}\n  the run may have started: see {api.url}/#/runs") from None


def schedule(api: KubeflowApi, uploaded: Uploaded, name: str, kubeflow: dict[str, Any]) -> str:
    """Keeps the recurring run that the settings ask for, and returns what was done.

    Empty if they ask for none and there is none. One that is there although they no longer ask
    for it is left alone, and said.
    """
    if kubeflow["schedule"] is None:
        left = recurring_runs_of(api, name, uploaded.pipeline)
        return "none, but Kubeflow still has a recurring run: delete it there" if left else ""
    wanted = Schedule(
        name=name,
        cron=kubeflow["schedule"],
        pipeline=uploaded.pipeline,
        version=uploaded.version,
        experiment=api.experiment(kubeflow["experiment"]),
        service_account=kubeflow["service_account"],
        max_active_runs=kubeflow["max_active_runs"],
        catchup=kubeflow["catchup"],
    )
    return apply(api, wanted)


def monitoring(
    api: KubeflowApi, manifest: Manifest, package: Path, kubeflow: dict[str, Any]
) -> str:
    """Keeps the recurring run of the monitoring that the settings ask for; returns what was done.

    It is a pipeline of its own, whose package is uploaded. Where the settings ask for none, one
    that is there is taken away, since it would start retrains. Empty if nothing was done.
    """
    name = f"{manifest.name}-monitor"
    if kubeflow["monitoring_schedule"] is None:
        pipeline = api.pipeline_if_there(name)
        return "none (taken away)" if pipeline and remove(api, name, pipeline) else ""
    uploaded = upload(api, manifest, package, of=name)
    wanted = Schedule(
        name=name,
        cron=kubeflow["monitoring_schedule"],
        pipeline=uploaded.pipeline,
        version=uploaded.version,
        experiment=api.experiment(kubeflow["experiment"]),
        service_account=kubeflow["service_account"],
    )
    return apply(api, wanted)


def check_no_run(given: Sequence[str], force: Sequence[str]) -> None:
    """Raises WrongInput if something is said about a run that isn't to start."""
    if given or force:
        raise WrongInput("--no-run: starts no run that --param or --force could be for")
