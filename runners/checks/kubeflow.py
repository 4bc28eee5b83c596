"""The checks of `beltline check kubeflow`: the package, the image, Kubeflow, and the cluster."""

import functools
import tempfile
from collections.abc import Iterator
from pathlib import Path

from beltline.base.errors import WrongInput
from beltline.base.settings.kubeflow import Kubeflow
from beltline.bundle.environment import lock_digest, models_digest, source_digest
from beltline.pipeline.settings.reading import Project
from beltline.pipeline.settings.settings import Settings
from beltline.runners.checks import cluster, registry
from beltline.runners.checks.cluster_capacity import PodRequest, SchedulingNeeds
from beltline.runners.checks.finding import CheckSkipped, Finding, Problem, run_check
from beltline.runners.cli.commands.compile import compile_kubeflow
from beltline.runners.kubeflow.compile.limits import (
    ARGUMENT_BYTES,
    PACKAGE_BYTES,
    PART_BYTES,
    RUN_BYTES,
    sizes,
)
from beltline.runners.kubeflow.compile.package import MONITOR_PACKAGE
from beltline.runners.kubeflow.server.api import KUBEFLOW, ApiError, ApiUnreachable, KubeflowApi
from beltline.runners.paths import Paths

VERSION = "org.opencontainers.image.version"
LOCK = "io.beltline.lock"
SOURCE = "io.beltline.source"
MODELS = "io.beltline.models"


def findings(project: Project, _: Paths) -> Iterator[Finding]:
    """Runs every check; those of the cluster come last."""
    settings = project.settings
    yield run_check("pipeline", functools.partial(_definition, project))
    yield run_check("package", functools.partial(package, project))
    yield run_check("image", functools.partial(image, settings.kubeflow))
    yield run_check("kubeflow", functools.partial(kubeflow, settings.kubeflow.namespace))
    yield from cluster.findings(needs(settings))


def needs(settings: Settings) -> cluster.ClusterNeeds:
    """Returns what the settings need of the cluster."""
    chosen = settings.kubeflow
    requests = [PodRequest(node, **each.model_dump()) for node, each in settings.resources.items()]
    return cluster.ClusterNeeds(
        namespace=chosen.namespace,
        claim=chosen.volume_claim,
        account=chosen.service_account,
        secrets={name: tuple(keys) for name, keys in chosen.secrets.items()},
        pull_secrets=tuple(chosen.image_pull_secrets),
        scheduling=SchedulingNeeds(
            requests, chosen.accelerator, chosen.node_selector, chosen.tolerations
        ),
    )


def _definition(project: Project) -> str:
    from beltline.pipeline import preflight

    preflight.check_definition(project)
    return "settings, schema and model code are consistent"


def package(project: Project) -> str:
    """Checks that the packages compile, and are not too large for Kubernetes."""
    with tempfile.TemporaryDirectory(prefix="beltline-check-") as folder:
        try:
            made = compile_kubeflow(project, Path(folder))
            # The monitoring package contains the tasks of the pipeline's, and its own.
            watched = project.settings.kubeflow.monitoring_schedule
            found = sizes(made.with_name(MONITOR_PACKAGE) if watched else made)
        except WrongInput as error:
            # The temporary folder is gone by then; this is where `beltline compile` writes.
            lasting = Path("build") / "kubeflow" / project.settings.name
            raise WrongInput(str(error).replace(folder, str(lasting))) from None
    fewer = "reduce the secrets and labels in `kubeflow`"
    if found.package > PACKAGE_BYTES:
        shown = f"{found.package:,} bytes, {PACKAGE_BYTES:,} at most"
        raise Problem(shown, f"set `kubeflow.bundle: volume`, or {fewer}")
    if found.run > RUN_BYTES:
        shown = f"a run's object would take {found.run:,} bytes, {RUN_BYTES:,} at most"
        raise Problem(shown, "set `kubeflow.bundle: image`, or fewer `kubeflow.groups`")
    if found.argument > ARGUMENT_BYTES:
        shown = f"{found.task} takes {found.argument:,} bytes, {ARGUMENT_BYTES:,} at most"
        raise Problem(shown, fewer)
    if found.argument > PART_BYTES:
        raise CheckSkipped(
            f"{found.task} takes {found.argument:,} bytes; more than {PART_BYTES:,} need an Argo "
            "controller that may write ConfigMaps"
        )
    return f"{found.package:,} bytes; the largest part {found.argument:,} ({found.task})"


def image(chosen: Kubeflow) -> str:
    """Checks that the image has the same libraries and the same Beltline as this environment.

    Its model code is compared where a package takes that from the image.
    """
    name = chosen.image
    if not name:
        raise Problem(
            "`kubeflow.image` is not set", "set `kubeflow.image` (`make image` builds an image)"
        )
    found = registry.labels(name)
    compared = (*_LABELS, _MODELS) if chosen.bundle == "image" else _LABELS
    for label, here, what in compared:
        theirs = found.values.get(label)
        if not theirs:
            fix = "build it with `make image`"
            raise Problem(f"{name} {found.where} has no label {label}", fix)
        if "unlocked" not in (theirs, here()) and theirs != here():
            shown = f"{name} {found.where} has {what} {theirs}, this environment has {here()}"
            raise Problem(shown, "rebuild and push the image, or compile with its release")
    version = found.values.get(VERSION, "unknown version")
    return f"{name} {found.where}: {version}, lock {found.values[LOCK]}"


def kubeflow(namespace: str) -> str:
    """Checks that Kubeflow is reachable, is version 2, and that the namespace is a profile's."""
    api = KubeflowApi.from_environment(namespace=namespace)
    try:
        found = api.health()
    except (ApiError, ApiUnreachable) as error:
        raise Problem(str(error), f"start it, or fix {KUBEFLOW}") from None
    # In multi-user mode, that namespace is not a profile's.
    if found.multi_user and namespace == cluster.KUBEFLOWS_OWN:
        shown = f"{api.url} is in multi-user mode, and '{namespace}' is not a profile's namespace"
        raise Problem(shown, "set `kubeflow.namespace` to that of your profile")
    return f"Kubeflow Pipelines {found.version or '2'} at {api.url}"


_LABELS = (
    (LOCK, lock_digest, "the locked requirements"),
    (SOURCE, source_digest, "Beltline's sources"),
)
_MODELS = (MODELS, models_digest, "Beltline's model code")
NAMES = (
    *("pipeline", "package", "image", "kubeflow", "cluster"),
    *(look.__name__ for look in cluster.CHECKS),
)
