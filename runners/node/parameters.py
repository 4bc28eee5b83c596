"""Validates the node runner's input: the run's id, and `name=value` as a typed value."""

import re
from collections.abc import Sequence

import click

from beltline.base.hints import did_you_mean
from beltline.bundle.manifest import Manifest, Parameter

# In place of nodes' ids, where some are to run even if their results are cached.
ALL = "all"
# A run's id becomes part of a path, and a name in ML Metadata.
_RUN = r"[A-Za-z0-9_.~:+-]+"


def read_parameters(manifest: Manifest, given: Sequence[str]) -> dict[str, str | int]:
    """Returns the runtime parameters in `given`, each `name=value`, with typed values.

    Raises:
      click.BadParameter: a parameter is unknown, or its value is invalid.
    """
    return dict(_read(manifest, each) for each in given)


def check_run(run: str) -> None:
    """Checks that `run` is a valid id.

    Raises:
      click.BadParameter: it is not.
    """
    if run in (".", "..") or not re.fullmatch(_RUN, run):
        raise click.BadParameter(
            f"--run: invalid value '{run}': only letters, digits and _ . ~ : + - are allowed"
        )


def _read(manifest: Manifest, given: str) -> tuple[str, str | int]:
    name, equals, value = given.partition("=")
    if not (name and equals):
        raise click.BadParameter(f"--param: invalid value '{given}': must be name=value")
    parameter = manifest.parameters.get(name)
    if parameter is None:
        known = ", ".join(manifest.parameters)
        hint = did_you_mean(name, manifest.parameters)
        raise click.BadParameter(
            f"--param {given}: unknown parameter '{name}'{hint} (known: {known})"
        )
    if not re.fullmatch(_pattern(parameter), value):
        raise click.BadParameter(f"--param {name}={value}: must be {_allowed(parameter)}")
    return name, int(value) if parameter.type == "integer" else value


def _pattern(parameter: Parameter) -> str:
    return parameter.pattern or ("[0-9]+" if parameter.type == "integer" else "(?s:.+)")


def _allowed(parameter: Parameter) -> str:
    if parameter.pattern:
        return f"of the form {parameter.pattern}"
    return "a whole number, 0 or more" if parameter.type == "integer" else "some text"
