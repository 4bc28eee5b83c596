"""`beltline submit`: submits the pipeline to an orchestrator, and follows its run."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from beltline.base.settings.kubeflow import Kubeflow
from beltline.bundle.folder import open_bundle
from beltline.bundle.manifest import Manifest
from beltline.pipeline.settings.reading import Project
from beltline.runners.cli.commands.compile import compile_kubeflow, print_compiling
from beltline.runners.cli.options import open_project, settings_options
from beltline.runners.progress import print_node

if TYPE_CHECKING:
    from beltline.runners.kubeflow.server.api import KubeflowApi
    from beltline.runners.kubeflow.tasks import Tasks


@click.command("submit")
@click.argument("target", type=click.Choice(["kubeflow"]))
@settings_options
@click.option(
    "--host",
    metavar="URL",
    help="Kubeflow's URL.  [default: BELTLINE_KUBEFLOW, else http://127.0.0.1:8888]",
)
@click.option(
    "--param", "given", multiple=True, metavar="NAME=VALUE", help="A runtime parameter of this run."
)
@click.option(
    "--force",
    multiple=True,
    metavar="NODE",
    help="Run this node, or `all`, even if its result is cached.",
)
@click.option("--no-run", is_flag=True, help="Upload and apply the schedule, but start no run.")
def submit(
    target: str,
    file: Path,
    overrides: tuple[str, ...],
    host: str | None,
    given: tuple[str, ...],
    force: tuple[str, ...],
    no_run: bool,
) -> None:
    """Upload the pipeline to TARGET, apply its schedule, start a run and follow it."""
    project, _ = open_project(file, overrides)
    from beltline.runners.kubeflow.server.api import KubeflowApi
    from beltline.runners.kubeflow.server.submission import check_no_run

    if no_run:
        check_no_run(given, force)
    settings = project.settings
    api = KubeflowApi.from_environment(host, settings.kubeflow.namespace)
    # Before compiling, which takes longer.
    version = api.health().version
    click.echo(f"kubeflow   {version or 'unknown version'} at {api.url}")
    print_compiling(project)
    sent = _compiled(project)
    _send(api, sent, settings.kubeflow, None if no_run else (given, force))


@dataclass(frozen=True)
class _Compiled:
    package: Path
    monitor: Path
    tasks: "Tasks"
    manifest: Manifest


def _compiled(project: Project) -> _Compiled:
    from beltline.runners.kubeflow.compile.package import MONITOR_PACKAGE
    from beltline.runners.kubeflow.tasks import read_tasks

    folder = Path("build") / "kubeflow" / project.settings.name
    package = compile_kubeflow(project, folder)
    tasks = read_tasks(package)
    manifest = open_bundle(folder / "bundles" / tasks.bundle).manifest
    return _Compiled(package, package.with_name(MONITOR_PACKAGE), tasks, manifest)


def _send(
    api: "KubeflowApi",
    sent: _Compiled,
    kubeflow: Kubeflow,
    of_run: tuple[tuple[str, ...], tuple[str, ...]] | None,
) -> None:
    """Uploads, applies the schedules, and runs with the parameters and forced nodes in `of_run`."""
    from beltline.runners.kubeflow.server import submission

    manifest = sent.manifest
    # First, so that nothing is uploaded for a run with invalid parameters.
    values = submission.run_values(manifest, *of_run) if of_run else {}
    uploaded = submission.upload(api, manifest, sent.package)
    what = "uploaded" if uploaded.new else "already uploaded"
    click.echo(f"version    {uploaded.name} ({what})")
    if kept := submission.schedule(api, uploaded, manifest.name, kubeflow):
        click.echo(f"schedule   {kept}")
    if kept := submission.monitoring(api, manifest, sent.monitor, kubeflow):
        click.echo(f"monitoring {kept}")
    if of_run is None:
        return
    run = submission.start(api, uploaded, manifest.name, kubeflow, values)
    click.echo(f"url        {api.page(run)}")
    click.echo(f"{manifest.name} · run {run} · bundle {manifest.digest[:12]}")
    _follow(api, run, sent.tasks, kubeflow.namespace)


def _follow(api: "KubeflowApi", run: str, tasks: "Tasks", namespace: str) -> None:
    from beltline.runners.kubeflow.server.follow import follow

    end = follow(api, run, tasks, namespace, print_node)
    if end.end != "done":
        raise end.error(
            f"logs: {api.page(run)}\n  fix it and submit again: finished nodes are not run again"
        )
    if end.version:
        click.echo(f"served: version {end.version}")
    if end.waiting:
        click.echo(f"version {end.waiting} waits for approval")
