"""`beltline compile`: writes what an orchestrator loads."""

import os
from pathlib import Path

import click

from beltline.bundle.folder import Bundle
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
    help="Folder to write.  [default: build/TARGET/<name>]",
)
def compile(target: str, file: Path, overrides: tuple[str, ...], output: Path | None) -> None:
    """Write what TARGET loads: the bundle, and the file that starts its nodes."""
    project, paths = open_project(file, overrides)
    folder = output or Path("build") / target / project.settings.name
    if target == "airflow":
        _airflow(project, paths, folder)
    else:
        _kubeflow(project, folder)


def compile_kubeflow(project: Project, folder: Path) -> Path:
    """Writes the bundle and Kubeflow's packages into `folder`; returns the pipeline's file.

    The monitoring's package lies beside it.

    Raises:
      WrongInput: the settings are wrong, or lack what Kubeflow needs.
    """
    return _write_kubeflow(project, folder)[1]


def say_compiling(project: Project) -> None:
    """Says why nothing happens for a while."""
    click.echo(f"{project.settings.name}: compiling (TensorFlow and TFX take a while to load)")


def _airflow(project: Project, paths: Paths, folder: Path) -> None:
    _check_definition(project)
    say_compiling(project)
    bundle = _compile(project, folder)
    _write_airflow(folder, bundle, project, paths)
    _say_written(folder, bundle)
    name = project.settings.name
    click.echo(f"next       copy or link {folder} into Airflow's DAG folder; the DAG is '{name}'")


def _kubeflow(project: Project, folder: Path) -> None:
    _check_definition(project)
    say_compiling(project)
    bundle, package = _write_kubeflow(project, folder)
    _say_written(folder, bundle)
    click.echo(f"next       `beltline submit kubeflow`, or upload {package} on Kubeflow's pages")


def _check_definition(project: Project) -> None:
    from beltline.pipeline import preflight

    preflight.check_definition(project)


def _compile(project: Project, folder: Path) -> Bundle:
    # What libraries write while they load is of no use: a mistake is an exception.
    with stderr_in(Path(os.devnull)):
        # Only now, since this is what takes so long.
        from beltline.pipeline.compile import compile_bundle

        return compile_bundle(project, folder / "bundles")


def _say_written(folder: Path, bundle: Bundle) -> None:
    click.echo(f"wrote      {folder} · bundle {bundle.manifest.digest[:12]}")


def _write_kubeflow(project: Project, folder: Path) -> tuple[Bundle, Path]:
    from beltline.runners.kubeflow.compile import package

    settings = project.settings
    kubeflow = settings.kubeflow.model_dump(mode="json")
    # Before the compiling, which takes longer.
    package.check(kubeflow, has_query=settings.data.source == "sql")
    _check_definition(project)
    bundle = _compile(project, folder)
    package.write_monitor(folder, bundle, kubeflow, settings.monitoring.model_dump(mode="json"))
    return bundle, package.write(folder, bundle, kubeflow)


def _write_airflow(folder: Path, bundle: Bundle, project: Project, paths: Paths) -> None:
    from beltline.runners.airflow import compile as deployment

    settings = project.settings
    # Without `local`: it may hold a database's password, and everybody reads a DAG's page.
    shown = settings.model_dump(
        mode="json", by_alias=True, exclude_defaults=True, exclude={"local"}
    )
    airflow = {
        **deployment.resolved(settings.airflow.model_dump(), paths),
        "task": settings.label.task,
    }
    monitoring = settings.monitoring.model_dump(mode="json")
    deployment.write(folder, bundle.path.name, airflow, monitoring, shown)
