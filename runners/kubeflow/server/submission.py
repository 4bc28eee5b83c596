"""The requests of `beltline submit kubeflow`: a version of a pipeline, its schedules, a run."""

import hashlib
import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import kfp_server_api as kfp

from beltline.base.errors import WrongInput
from beltline.base.settings.kubeflow import Kubeflow
from beltline.bundle.manifest import Manifest
from beltline.runners.kubeflow.server.api import ApiUnreachable, KubeflowApi
from beltline.runners.kubeflow.server.recurring import Schedule, apply, recurring_runs_of, remove
from beltline.runners.kubeflow.tasks import FORCE, parameter_name
from beltline.runners.local.partial import check_node
from beltline.runners.node.parameters import ALL, read_parameters


@dataclass(frozen=True)
class Uploaded:
    """A pipeline version in Kubeflow, by ids; `new` tells whether it has just been uploaded."""

    pipeline: str
    version: str
    name: str
    new: bool


def upload(api: KubeflowApi, manifest: Manifest, package: Path, of: str = "") -> Uploaded:
    """Uploads a package as a version of the manifest's pipeline, unless it already exists.

    `of` names another pipeline.
    """
    # The same bundle may be submitted with other pod settings.
    digest = hashlib.sha256(package.read_bytes()).hexdigest()
    name = f"{manifest.digest[:12]}-{digest[:8]}"
    pipeline = api.pipeline(of or manifest.name)
    version, new = api.version(pipeline, name, package)
    return Uploaded(pipeline, version, name, new)


def run_values(
    manifest: Manifest, given: Sequence[str], force: Sequence[str]
) -> dict[str, str | int]:
    """Returns the package's parameters for `given`, each `name=value`, and the forced nodes."""
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
    kubeflow: Kubeflow,
    values: dict[str, str | int],
) -> str:
    """Starts a run of an uploaded version and returns its id.

    Args:
      api: Kubeflow's API.
      uploaded: the version.
      name: the pipeline's name.
      kubeflow: the settings' section of that name.
      values: the run's parameters.

    Raises:
      ApiUnreachable: Kubeflow did not respond; the run may have started.
    """
    moment = time.strftime("%Y%m%d-%H%M%S", time.gmtime())
    run = kfp.V2beta1Run(
        display_name=f"{name}-{moment}-{secrets.token_hex(2)}",
        experiment_id=api.experiment(kubeflow.experiment),
        pipeline_version_reference=kfp.V2beta1PipelineVersionReference(
            pipeline_id=uploaded.pipeline, pipeline_version_id=uploaded.version
        ),
        runtime_config=kfp.V2beta1RuntimeConfig(parameters=values),
        service_account=kubeflow.service_account,
    )
    try:
        return api.start(run)
    except ApiUnreachable as error:
        raise ApiUnreachable(f"{error}\n  the run may have started: see {api.url}/#/runs") from None


def schedule(api: KubeflowApi, uploaded: Uploaded, name: str, kubeflow: Kubeflow) -> str:
    """Applies the schedule in the settings, and returns what was done.

    Empty if the settings have none and Kubeflow has none. A recurring run that the settings no
    longer have is not deleted, but reported.
    """
    if kubeflow.schedule is None:
        left = recurring_runs_of(api, name, uploaded.pipeline)
        return "none, but Kubeflow still has a recurring run: delete it there" if left else ""
    wanted = _schedule(api, uploaded, name, kubeflow.schedule, kubeflow)
    own = replace(wanted, max_active_runs=kubeflow.max_active_runs, catchup=kubeflow.catchup)
    return apply(api, own)


def monitoring(api: KubeflowApi, manifest: Manifest, package: Path, kubeflow: Kubeflow) -> str:
    """Applies the monitoring schedule in the settings, and returns what was done.

    Monitoring is a pipeline of its own, whose package is uploaded. Without a schedule in the
    settings, an existing one is deleted, as it would start retrains. Empty if nothing was done.
    """
    name = f"{manifest.name}-monitor"
    if kubeflow.monitoring_schedule is None:
        pipeline = api.pipeline_if_there(name)
        return "none (deleted)" if pipeline and remove(api, name, pipeline) else ""
    uploaded = upload(api, manifest, package, of=name)
    return apply(api, _schedule(api, uploaded, name, kubeflow.monitoring_schedule, kubeflow))


def _schedule(
    api: KubeflowApi, uploaded: Uploaded, name: str, cron: str, kubeflow: Kubeflow
) -> Schedule:
    return Schedule(
        name=name,
        cron=cron,
        pipeline=uploaded.pipeline,
        version=uploaded.version,
        experiment=api.experiment(kubeflow.experiment),
        service_account=kubeflow.service_account,
    )


def check_no_run(given: Sequence[str], force: Sequence[str]) -> None:
    """Checks that no option of a run is given together with `--no-run`.

    Raises:
      WrongInput: there is one.
    """
    if given or force:
        raise WrongInput("--no-run: can't be combined with --param or --force")
