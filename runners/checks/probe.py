"""Checks what a node finds where it runs: the machine, the environment and the paths.

`python -m beltline.runners.checks.probe --bundle DIR`, started by the orchestrator as a node would
be. The last line on stdout is one JSON object like a node's, plus `host`, `user`, `time` (seconds
since the epoch) and `findings`. To add a check, write a function that returns a line or raises
`Problem`, and list it in `probe`.
"""

import functools
import getpass
import json
import platform
import secrets
import tempfile
import time
from pathlib import Path

import click

from beltline.base.database_url import sqlite_file
from beltline.base.errors import WrongInput
from beltline.bundle.environment import check_lock
from beltline.bundle.folder import open_bundle
from beltline.runners.checks.beam import beam
from beltline.runners.checks.finding import Finding, Problem, run_check
from beltline.runners.checks.machine import MACHINE
from beltline.runners.paths import Paths
from beltline.storage.url import ObjectUrl


def nearest_folder(folder: Path) -> Path:
    """Returns the folder, or its nearest parent that exists."""
    return next(path for path in (folder, *folder.parents) if path.exists())


def writable(folder: Path, setting: str) -> str:
    """Checks that a folder is writable, or can be created, without leaving anything in it.

    Raises:
      Problem: it is not writable; `setting` names what to set to another folder.
    """
    nearest = nearest_folder(folder)
    try:
        # It has no name in the folder, so that nothing stays behind.
        with tempfile.TemporaryFile(dir=nearest):
            return str(folder)
    except OSError as error:
        fix = f"set {setting} to a writable folder"
        raise Problem(f"{nearest} is not writable ({error.strerror})", fix) from None


def root(paths: Paths) -> str:
    """Checks that the root is writable, without creating it."""
    return writable(paths.root, "BELTLINE_ROOT or the runner's `root`")


def artifacts(paths: Paths) -> str:
    """Checks where artifacts are kept; in an object store, by writing an object there.

    Raises:
      Problem: it can't be written.
    """
    return usable(paths.store) if paths.store else str(paths.artifacts)


def usable(url: ObjectUrl) -> str:
    """Checks an object store by writing, reading and deleting an object below a URL.

    Raises:
      Problem: one of them failed.
    """
    # Only an object store needs Arrow here.
    from beltline.storage import objects
    from beltline.storage.errors import StoreError

    written = url / f"check-{secrets.token_hex(8)}"
    try:
        objects.write(written, b"")
        objects.read(written)
        objects.delete(written)
    except StoreError as error:
        what, _, fix = str(error.strerror).partition("; ")
        raise Problem(f"{url}: {what}", fix or "see docs/storage.md") from None
    return f"{url}: an object was written, read and deleted"


def metadata(paths: Paths, pipeline: str) -> str:
    """Checks that ML Metadata can be opened, without creating a SQLite file.

    Raises:
      Problem: it can't be opened.
    """
    from beltline.runners.metadata.store import Lineage

    file = sqlite_file(paths.metadata)
    if file and not file.exists():
        writable(file.parent, "BELTLINE_METADATA or the runner's `metadata`")
        return f"{file} will be created by the first run"
    try:
        runs = Lineage(paths.metadata, pipeline).runs()
    except WrongInput as error:
        raise Problem(str(error), "start the server, or fix BELTLINE_METADATA") from None
    return f"{len(runs)} runs of {pipeline}"


def probe(folder: Path, paths: Paths) -> list[Finding]:
    """Returns the findings of every check that depends on where a node runs."""
    found = [run_check(look.__name__, look) for look in MACHINE]
    try:
        manifest = open_bundle(folder).manifest
    except WrongInput as error:
        return [*found, Finding("bundle", False, str(error), "compile again, or copy it there")]
    found.append(run_check("bundle", functools.partial(_fits, manifest.lock, manifest.digest)))
    found.append(run_check("root", lambda: root(paths)))
    found.append(run_check("artifacts", lambda: artifacts(paths)))
    found.append(run_check("beam", lambda: beam(paths)))
    found.append(run_check("metadata", lambda: metadata(paths, manifest.name)))
    return found


def _fits(lock: str, digest: str) -> str:
    check_lock(lock)
    return digest[:16]


@click.command()
@click.option("--bundle", "folder", type=Path, required=True, help="The bundle's folder.")
def main(folder: Path) -> None:
    """Check what a node would find here."""
    findings = probe(folder, Paths.from_environment())
    seen = {"host": platform.node(), "user": getpass.getuser(), "time": time.time()}
    result = {"node": "probe", "state": "done", "reason": ""}
    for finding in findings:
        click.echo(finding.line(), err=True)
    found = [finding.as_json() for finding in findings]
    click.echo(json.dumps({**result, **seen, "findings": found}))


if __name__ == "__main__":
    main()
