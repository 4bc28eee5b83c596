"""The options of a decision about the version that waits for approval, and its problems."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from beltline.base.printable import printable
from beltline.versions.decisions import user_name
from beltline.versions.folder import Version
from beltline.versions.store import Place

if TYPE_CHECKING:
    from beltline.runners.paths import Paths


def decision_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds `--by` and `--note` to a command."""
    by = click.option("--by", default=user_name, help="Who decides; your user name by default.")
    note = click.option("--note", default="", help="Why, for whoever asks later.")
    return by(note(command))


def make_known(paths: "Paths", name: str, served: Place, version: Version) -> None:
    """Records the decision in ML Metadata, and tells the tools of a version that is live now.

    What goes wrong is a line on stderr: the decision itself stands.

    Args:
      paths: the root, ML Metadata, and the section `tracking`.
      name: the pipeline's name.
      served: where the versions are.
      version: the version, as it was before the decision or is after it.
    """
    # Only now, as ML Metadata takes its time to import.
    from beltline.runners.approval.record import HeldVersion, made_known

    held = HeldVersion(served, version.number, version.run)
    for problem in made_known(paths, name, held):
        click.echo(f"beltline: {printable(problem)}", err=True)
