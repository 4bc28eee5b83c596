"""`beltline ui`: the runs of the pipeline in a browser."""

import importlib.util
import os
from pathlib import Path

import click

from beltline.base.errors import WrongInput
from beltline.base.listening import listen
from beltline.runners.cli.options import open_project, port_option, settings_options


@click.command("ui")
@settings_options
@port_option(8970, "0 for a free one")
@click.option("--no-open", is_flag=True, help="Only print the address.")
def ui(file: Path, overrides: tuple[str, ...], port: int, no_open: bool) -> None:
    """Show the runs in a browser on this machine, until Ctrl-C.

    The address that it prints has a token; who has it sees the pages, and may promote versions.

    BELTLINE_SERVE_TOKEN: the token of `beltline serve`, for the form that asks the live model.
    """
    project, paths = open_project(file, overrides)
    if importlib.util.find_spec("starlette") is None:
        raise WrongInput(
            "the pages require Starlette: install the locked requirements (`make setup`), or "
            "beltline[ui]"
        )
    from beltline.runners.ui.known import Known
    from beltline.runners.ui.model_server import ModelServer
    from beltline.runners.ui.server import serve

    settings = project.settings
    served = paths.served(settings.push.directory, settings.name)
    prefix = settings.serving.path_prefix or ""
    server = ModelServer(
        f"http://127.0.0.1:{settings.serving.port}{prefix}",
        os.environ.get("BELTLINE_SERVE_TOKEN", ""),
    )
    with listen("127.0.0.1", port) as listener:
        serve(Known(paths, settings.name, served), server, listener, opens=not no_open)
