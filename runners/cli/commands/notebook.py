"""`beltline notebook`: JupyterLab in this environment, with the notebooks of this project."""

import importlib.util
import os
import shutil
import sys
from importlib import resources
from pathlib import Path

import click

from beltline.base.errors import WrongInput
from beltline.runners.cli.options import open_project, port_option

_PACKAGE = "beltline.notebooks"
_SETTINGS = Path("pipeline.yaml")


@click.command("notebook")
@port_option(8888, "the next free one if it is taken")
@click.option("--no-browser", is_flag=True, help="Only print the address.")
@click.option("--allow-root", is_flag=True, help="Start although you are root, as in a container.")
def notebook(port: int, no_browser: bool, allow_root: bool) -> None:
    """Start JupyterLab with notebooks for the project here, until Ctrl-C.

    The notebooks are copied to the folder notebooks; those that are there stay as they are.
    """
    open_project(_SETTINGS)
    if importlib.util.find_spec("jupyterlab") is None:
        raise WrongInput(
            "notebooks require JupyterLab: install the locked requirements (`make setup`), or "
            "beltline[notebook]"
        )
    folder = Path("notebooks")
    for name in copy_notebooks(folder):
        click.echo(f"wrote {folder / name}")
    sys.stdout.flush()
    words = [
        "--ServerApp.ip=127.0.0.1",
        f"--ServerApp.port={port}",
        f"--ServerApp.root_dir={Path.cwd()}",
        f"--LabApp.default_url=/lab/tree/{folder}",
        *(["--no-browser"] if no_browser else []),
        *(["--allow-root"] if allow_root else []),
    ]
    # A kernel of this environment, not one of the same name that another has registered.
    os.environ["JUPYTER_PREFER_ENV_PATH"] = "1"
    # In place of this process, so that Ctrl-C is JupyterLab's own.
    os.execv(sys.executable, [sys.executable, "-m", "jupyterlab", *words])  # noqa: S606


def copy_notebooks(folder: Path) -> list[str]:
    """Copies the notebooks that are not yet in a folder; returns their names.

    Raises:
      WrongInput: the folder is not writable.
    """
    copied = []
    try:
        folder.mkdir(exist_ok=True)
        for found in sorted(resources.files(_PACKAGE).iterdir(), key=lambda file: file.name):
            target = folder / found.name
            if target.suffix != ".ipynb" or target.exists():
                continue
            with resources.as_file(found) as file:
                shutil.copyfile(file, target)
            copied.append(found.name)
    except OSError as error:
        raise WrongInput(f"{folder}: the notebooks can't be written: {error.strerror}") from None
    return copied
