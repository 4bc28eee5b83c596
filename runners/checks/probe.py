"""What a node will find where it runs: the machine, the environment and the places.

`python -m beltline.runners.checks.probe --bundle DIR`, called like a node by whatever will call the
nodes; the last line on stdout is one JSON object, as a node's: `host`, `user`, `time` (seconds
since the epoch) and `findings` besides. To add a check, write a function that returns a line or
raises `Problem`, and list it in `probe`.
"""

import functools
import getpass
import json
import platform
import tempfile
import time
from dataclasses import asdict
from pathlib import Path

import click

from beltline.base.database_url import sqlite_file
from beltline.base.errors import WrongInput
from beltline.bundle.environment import check_lock
from beltline.bundle.folder import open_bundle
from beltline.runners.checks.finding import Finding, Problem, made
from beltline.runners.checks.machine import MACHINE
from beltline.runners.paths import Places


def nearest_folder(folder: Path) -> Path:
    """Returns the folder, or the nearest one above it that is there."""
    return next(path for path in (folder, *folder.parents) if path.exists())


def writable(folder: Path, setting: str) -> str:
    """Checks that a folder can be written, or made, without leaving anything in it."""
    nearest = nearest_folder(folder)
    try:
        # It has no name in the folder, so that nothing stays behind.
        with tempfile.TemporaryFile(dir=nearest):
            return str(folder)
    except OSError as error:
        mend = f"set {setting} to one that can be"
        raise Problem(f"{nearest} can't be written ({error.strerror})", mend) from None


def root(places: Places) -> str:
    """Checks that the root can be written, without making it."""
    return writable(places.root, "BELTLINE_ROOT or the runner's `root`")


def metadata(places: Places, pipeline: str) -> str:
    """Checks that ML Metadata can be opened; a SQLite file that isn't there yet stays so."""
    from beltline.runners.metadata.store import Lineage

    file = sqlite_file(places.metadata)
    if file and not file.exists():
        writable(file.parent, "BELTLINE_METADATA or the runner's `metadata`")
        return f"{file} will be made by the first run"
    try:
        runs = Lineage(places.metadata, pipeline).runs()
    except WrongInput as error:
        raise Problem(str(error), "start the server, or correct BELTLINE_METADATA") from None
    return f"{len(runs)} runs of {pipeline}"


def probe(folder: Path, places: Places) -> list[Finding]:
    """Makes every check that a node's place can fail."""
    found = [made(look.__name__, look) for look in MACHINE]
    try:
        manifest = open_bundle(folder).manifest
    except WrongInput as error:
        return [*found, Finding("bundle", False, str(error), "compile again, or copy it there")]
    found.append(made("bundle", functools.partial(_fits, manifest.lock, manifest.digest)))
    found.append(made("root", lambda: root(places)))
    found.append(made("metadata", lambda: metadata(places, manifest.name)))
    return found


def _fits(lock: str, digest: str) -> str:
    check_lock(lock)
    return digest[:16]


@click.command()
@click.option("--bundle", "folder", type=Path, required=True, help="The bundle's folder.")
def main(folder: Path) -> None:
    """Say what a node would find here."""
    findings = probe(folder, Places.from_environment())
    seen = {"host": platform.node(), "user": getpass.getuser(), "time": time.time()}
    ending = {"node": "probe", "state": "done", "reason": ""}
    for finding in findings:
        click.echo(finding.line(), err=True)
    click.echo(
        json.dumps({**ending, **seen, "findings": [asdict(finding) for finding in findings]})
    )


if __name__ == "__main__":
    main()
