"""`beltline compile`: compiles the pipeline for an orchestrator."""

import os
from pathlib import Path

import click

from beltline.base.loading import loading
from beltline.bundle.folder import Bundle
from beltline.pipeline.resolved import ResolvedProject
from beltline.pipeline.settings.reading import Project
from beltline.runners.cli.options import open_project, settings_options
from beltline.runners.cli.quiet import stderr_in
from beltline.runners.paths import Paths


@click.command("compile")
@click.argument("target", type=click.Choice(["airflow", "kubeflow"]))
@settings_options
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Output folder.  [default: build/TARGET/<name>]",
)
def compile(target: str, file: Path, overrides: tuple[str, ...], output: Path | None) -> None:
    """Compile the pipeline for TARGET: the bundle, and the file that TARGET loads."""
    project, paths = open_project(file, overrides)
    folder = output or Path("build") / target / project.settings.name
    if target == "airflow":
        _airflow(project, paths, folder)
    else:
        _kubeflow(project, folder)


def compile_kubeflow(project: Project, folder: Path) -> Path:
    """Writes the bundle and Kubeflow's packages into `folder`; returns the pipeline's package.

    The monitoring package is written beside it.

    Raises:
      WrongInput: the settings are invalid, or lack what Kubeflow needs.
    """
    return _write_kubeflow(_check_definition(project), folder)[1]


def print_compiling(project: Project) -> None:
    """Prints that compiling has begun, as it takes a while."""
    click.echo(f"{project.settings.name}: compiling (importing TensorFlow and TFX takes a while)")


def _airflow(project: Project, paths: Paths, folder: Path) -> None:
    resolved = _check_definition(project)
    print_compiling(project)
    bundle = _compile(resolved, folder)
    _write_airflow(folder, bundle, project, paths)
    _print_written(folder, bundle)
    name = project.settings.name
    click.echo(f"next       copy or link {folder} into Airflow's DAG folder; the DAG is '{name}'")


def _kubeflow(project: Project, folder: Path) -> None:
    resolved = _check_definition(project)
    print_compiling(project)
    bundle, package = _write_kubeflow(resolved, folder)
    _print_written(folder, bundle)
    click.echo(f"next       `beltline submit kubeflow`, or upload {package} in Kubeflow's UI")


def _check_definition(project: Project) -> ResolvedProject:
    from beltline.pipeline import preflight

    return preflight.check_definition(project)


def _compile(resolved: ResolvedProject, folder: Path) -> Bundle:
    # What libraries write while they are imported is of no use: a mistake is an exception.
    with stderr_in(Path(os.devnull)):
        with loading():
            # Only now, as the import takes seconds.
            from beltline.pipeline.compile import compile_bundle

        return compile_bundle(resolved, folder / "bundles")


def _print_written(folder: Path, bundle: Bundle) -> None:
    click.echo(f"wrote      {folder} · bundle {bundle.manifest.digest[:12]}")


def _write_kubeflow(resolved: ResolvedProject, folder: Path) -> tuple[Bundle, Path]:
    from beltline.runners.kubeflow.compile import package

    settings = resolved.settings
    kubeflow = settings.kubeflow
    # Before compiling, which takes longer.
    package.check(kubeflow, has_query=settings.has_query)
    bundle = _compile(resolved, folder)
    monitoring = settings.monitoring.model_dump(mode="json")
    elsewhere = (settings.beam, settings.tracking, settings.artifacts)
    package.write_monitor(folder, bundle, kubeflow, monitoring, *elsewhere)
    return bundle, package.write(folder, bundle, kubeflow, *elsewhere)


def _write_airflow(folder: Path, bundle: Bundle, project: Project, paths: Paths) -> None:
    from beltline.runners.airflow import compile as deployment

    settings = project.settings
    # Without a database's password or a webhook's secret: every Airflow user sees a DAG's docs.
    shown = settings.model_dump(
        mode="json", by_alias=True, exclude_defaults=True, exclude={"local", "tracking"}
    )
    airflow = {
        **deployment.resolved(settings.airflow, paths),
        "task": settings.label.task,
    }
    monitoring = settings.monitoring.model_dump(mode="json")
    tasks = deployment.tasks(bundle.manifest, settings.airflow)
    deployment.write(folder, bundle, tasks, airflow, monitoring, shown)
