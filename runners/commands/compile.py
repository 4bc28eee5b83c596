"""`beltline compile`: writes what an orchestrator loads."""

import os
from pathlib import Path

import click

from bundle.folder import Bundle
from pipeline.reading import Project
from runners.commands.settings_options import open_project, settings_options
from runners.places import Places
from runners.quiet import stderr_in


@click.command("compile")
@click.argument("place", type=click.Choice(["airflow"]))
@settings_options
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Folder to write.  [default: build/PLACE/<name>]",
)
def compile(place: str, file: Path, overrides: tuple[str, ...], output: Path | None) -> None:
    """Write what PLACE loads: the bundle, and the file that starts its nodes."""
    project, places = open_project(file, overrides)
    from pipeline import preflight

    preflight.check_definition(project)
    name = project.settings.name
    folder = output or Path("build") / place / name
    click.echo(f"{name}: compiling (TensorFlow and TFX take a while to load)")
    # What libraries write while they load is of no use: a mistake is an exception.
    with stderr_in(Path(os.devnull)):
        # Only now, since this is what takes so long.
        from pipeline.compile import compile_bundle

        bundle = compile_bundle(project, folder / "bundles")
    _write_airflow(folder, bundle, project, places)
    click.echo(f"wrote      {folder} · bundle {bundle.manifest.digest[:12]}")
    click.echo(f"next       copy or link {folder} into Airflow's DAG folder; the DAG is '{name}'")


def _write_airflow(folder: Path, bundle: Bundle, project: Project, places: Places) -> None:
    from runners.airflow import deployment

    settings = project.settings
    # Without `local`: it may hold a database's password, and everybody reads a DAG's page.
    shown = settings.model_dump(
        mode="json", by_alias=True, exclude_defaults=True, exclude={"local"}
    )
    airflow = {
        **deployment.resolved(settings.airflow.model_dump(), places),
        "task": settings.label.task,
    }
    deployment.write(folder, bundle.path.name, airflow, shown)
