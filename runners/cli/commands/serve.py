"""`beltline serve`: serves the live version, and reloads when another becomes live."""

from pathlib import Path

import click

from beltline.pipeline.settings.reading import Project
from beltline.runners.cli.options import open_project, settings_options
from beltline.runners.paths import Paths
from beltline.serving import server
from beltline.serving.options import Options


@click.command("serve")
@settings_options
@click.option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    help="The address to listen on; 0.0.0.0 for all interfaces.",
)
@click.option(
    "--port",
    type=click.IntRange(0, 65_535),
    help="The port to listen on; 0 for a free one.  [default: serving.port]",
)
@click.option(
    "--grpc-port",
    type=click.IntRange(0, 65_535),
    help="The port of the gRPC API; 0 for a free one.  [default: serving.grpc_port]",
)
def serve(
    file: Path,
    overrides: tuple[str, ...],
    host: str,
    port: int | None,
    grpc_port: int | None,
) -> None:
    """Serve the live version over REST, and gRPC if it has a port, until Ctrl-C.

    BELTLINE_SERVE_TOKEN: the bearer token that clients must send; without it, none is required.
    """
    project, paths = open_project(file, overrides)
    server.serve(serve_options(project, paths, host, port, grpc_port))


def serve_options(
    project: Project, paths: Paths, host: str, port: int | None, grpc_port: int | None = None
) -> Options:
    """Returns the server's options from the settings and the environment."""
    settings = project.settings
    serving, monitoring = settings.serving, settings.monitoring
    ports = {"port": port, "grpc_port": grpc_port}
    given = {name: value for name, value in ports.items() if value is not None}
    samples = paths.root / monitoring.directory / settings.name
    return Options(
        name=settings.name,
        folder=paths.served(settings.push.directory, settings.name),
        host=host,
        token=server.token(),
        requests=samples if monitoring.sample_rate else None,
        limits=serving.model_copy(update=given),
        sampling=monitoring,
    )
