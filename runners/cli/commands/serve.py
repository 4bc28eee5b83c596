"""`beltline serve`: a REST server that answers with the live version, and follows the next ones."""

import os
from pathlib import Path

import click

from beltline.pipeline.settings.reading import Project
from beltline.runners.cli.options import open_project, settings_options
from beltline.runners.paths import Places
from beltline.serving import server
from beltline.serving.options import Options


@click.command("serve")
@settings_options
@click.option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    help="The address to answer at; 0.0.0.0 is every one that this machine has.",
)
@click.option(
    "--port",
    type=click.IntRange(0, 65_535),
    help="The port; 0 is a free one.  [default: serving.port]",
)
def serve(file: Path, overrides: tuple[str, ...], host: str, port: int | None) -> None:
    """Answer over REST with the live version, until Ctrl-C.

    BELTLINE_SERVE_TOKEN: the bearer token that callers must send; without it anybody may ask.
    """
    project, places = open_project(file, overrides)
    server.serve(serve_options(project, places, host, port))


def serve_options(project: Project, places: Places, host: str, port: int | None) -> Options:
    """Returns what the settings and the environment say of the server."""
    settings = project.settings
    serving, monitoring = settings.serving, settings.monitoring
    samples = places.root / monitoring.directory / settings.name
    return Options(
        name=settings.name,
        folder=places.root / settings.push.directory / settings.name,
        host=host,
        token=os.environ.get(server.TOKEN, ""),
        requests=samples if monitoring.sample_rate else None,
        limits=serving if port is None else serving.model_copy(update={"port": port}),
        sampling=monitoring,
    )
