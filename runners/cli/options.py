"""The options with which every command finds `pipeline.yaml`, and the paths of the project."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from beltline.pipeline.settings.reading import Project, read_project
from beltline.runners.paths import DATA, Paths


def settings_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds `-f` and `--set` to a command, as `file` and `overrides`."""
    file = click.option(
        "-f", "--file", type=Path, default=Path("pipeline.yaml"), help="The settings file."
    )
    overrides = click.option(
        "--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Override a setting."
    )
    return file(overrides(command))


def port_option(default: int, other: str) -> Callable[..., Any]:
    """Returns the option `--port` of a server on 127.0.0.1; `other` says which port else it has."""
    return click.option(
        "--port",
        type=click.IntRange(0, 65_535),
        default=default,
        show_default=True,
        help=f"The port on 127.0.0.1; {other}.",
    )


def open_project(file: Path, overrides: tuple[str, ...] = ()) -> tuple[Project, Paths]:
    """Reads the settings and returns the project and its paths.

    Raises:
      WrongInput: the settings are invalid.
    """
    project = read_project(file, overrides)
    settings = project.settings
    os.environ.setdefault(DATA, str(project.folder))
    root = project.resolve(settings.local.root)
    return project, Paths.from_environment(
        root, settings.local.metadata, settings.beam, settings.tracking, settings.artifacts
    )
