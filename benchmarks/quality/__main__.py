"""`make bench-quality`: the default model beside four libraries of gradient boosting.

python -m benchmarks.quality [--set wine] [--splits 3] [--with KEY=VALUE] [-o FILE]
python -m benchmarks.quality --scores FOLDER ...    # goes on where it was stopped
"""

import importlib.util
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

import click

from benchmarks import pages
from benchmarks.quality.peers import LIBRARIES, PEERS
from benchmarks.quality.runs import Runs
from benchmarks.quality.section import section
from benchmarks.quality.sets import LONG, PACKAGES, SETS


@click.command()
@click.option("--set", "names", multiple=True, type=click.Choice(list(SETS)), help="Only this one.")
@click.option("--splits", default=4, help="How many ways each set is split.")
@click.option("--short", is_flag=True, help=f"Leave out {', '.join(LONG)}.")
@click.option("--peer", "peers", multiple=True, type=click.Choice(list(PEERS)), help="Only this.")
@click.option("--with", "settings", multiple=True, metavar="KEY=VALUE", help="As in `run --set`.")
@click.option(
    "--scores",
    type=Path,
    default=Path("build/quality/scores"),
    help="A folder of each run's scores; what lies there is not run again.",
)
@click.option("-o", "--output", type=Path, help="Replace the section in this Markdown file.")
def main(
    names: tuple[str, ...],
    splits: int,
    short: bool,
    peers: tuple[str, ...],
    settings: tuple[str, ...],
    scores: Path,
    output: Path | None,
) -> None:
    """Compare the default model with gradient boosting."""
    runs = Runs(scores.resolve(), settings, peers or tuple(PEERS))
    chosen = [name for name in names or SETS if not (short and name in LONG)]
    check_installed(chosen, runs.peers)
    found = {name: [runs.once(name, split) for split in range(splits)] for name in chosen}
    text = section(found, shlex.join(["python", "-m", "benchmarks.quality", *sys.argv[1:]]))
    pages.put("quality", text, output)


def check_installed(sets: Sequence[str], peers: Sequence[str]) -> None:
    """Checks that what a comparison needs is there, before it takes hours.

    Raises:
      click.ClickException: a package is missing; the message says how to install it.
    """
    needed = {LIBRARIES[peer] for peer in peers}
    needed |= {package for name in sets for package in PACKAGES.get(name, ())}
    missing = sorted(name for name in needed if importlib.util.find_spec(name) is None)
    if missing:
        raise click.ClickException(
            f"not installed: {', '.join(missing)}. `make bench-quality` installs the packages of "
            "requirements/bench-quality.txt into build/quality/packages: run it, or set "
            "PYTHONPATH=build/quality/packages. Or choose others by --set and --peer."
        )


if __name__ == "__main__":
    main()
