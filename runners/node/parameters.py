"""What the node runner is told, checked: the run's id, and `name=value` as a typed value."""

import re
from collections.abc import Sequence

import click

from beltline.base.hints import did_you_mean
from beltline.bundle.manifest import Manifest, Parameter

# It becomes part of a path, and a name in ML Metadata.
_RUN = r"[A-Za-z0-9_.~:+-]+"


def read_parameters(manifest: Manifest, given: Sequence[str]) -> dict[str, str | int]:
    """Returns the runtime parameters that `given`, each `name=value`, names.

    Raises:
      click.BadParameter: there is no such parameter, or its value is of another type or form.
    """
    return dict(_read(manifest, each) for each in given)


def check_run(run: str) -> None:
    """Raises click.BadParameter if `run` can't be a run's id."""
    if run in (".", "..") or not re.fullmatch(_RUN, run):
        raise click.BadParameter(
            f"--run '{run}': may hold letters, digits and _ . ~ : + - alone: it names a folder"
        )


def _read(manifest: Manifest, given: str) -> tuple[str, str | int]:
    name, equals, value = given.partition("=")
    if not (name and equals):
        raise click.BadParameter(f"--param '{given}': must read name=value")
    parameter = manifest.parameters.get(name)
    if parameter is None:
        known = ", ".join(manifest.parameters)
        hint = did_you_mean(name, manifest.parameters)
        raise click.BadParameter(f"--param {given}: no parameter '{name}'{hint} (there: {known})")
    if not re.fullmatch(_pattern(parameter), value):
        raise click.BadParameter(f"--param {name}={value}: must be {_allowed(parameter)}")
    return name, int(value) if parameter.type == "integer" else value


def _pattern(parameter: Parameter) -> str:
    return parameter.pattern or ("[0-9]+" if parameter.type == "integer" else "(?s:.+)")


def _allowed(parameter: Parameter) -> str:
    if parameter.pattern:
        return f"of the form {parameter.pattern}"
    return "a whole number, 0 or more" if parameter.type == "integer" else "some text"
