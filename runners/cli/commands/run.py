"""`beltline run`: compile, and run here what has changed."""

import secrets
import time
from pathlib import Path
from typing import Any

import click

from beltline.runners.cli.options import open_project, settings_options
from beltline.runners.cli.quiet import stderr_in
from beltline.runners.local.capacity import Room
from beltline.runners.local.partial import check_node, nodes_between
from beltline.runners.local.record import Record, last_good, only_run, records
from beltline.runners.node.loading import loading
from beltline.runners.node.outcome import Outcome
from beltline.runners.paths import Places
from beltline.runners.progress import report
from beltline.runners.result import ending
from beltline.versions.live import live

_ALL = "*"
_KILLED = "the run was killed"


@click.command("run")
@settings_options
@click.option("--from", "start", metavar="NODE", help="Start here, on the latest run's results.")
@click.option("--to", "end", metavar="NODE", help="Stop after this node.")
@click.option(
    "--force",
    is_flag=False,
    flag_value=_ALL,
    metavar="[NODE]",
    help="Run every node, or this one, even where a result is cached.",
)
def run(
    file: Path, overrides: tuple[str, ...], start: str | None, end: str | None, force: str | None
) -> None:
    """Run the pipeline here; says so at once if nothing changed."""
    project, places = open_project(file, overrides)
    from beltline.pipeline import preflight
    from beltline.pipeline.nodes import ABOUT

    resolved = preflight.check(project)
    inputs = resolved.inputs_digest
    for flag, node in (("--from", start), ("--to", end), ("--force", force)):
        if node and node != _ALL:
            check_node(list(ABOUT), flag, node)
    name = project.settings.name
    whole = not (start or end or force)
    with only_run(places.root):
        good = last_good(places.root, name, inputs) if whole else None
        served = places.served(project.settings.push.directory, name)
        if good and (served / good.version).is_dir():
            click.echo(f"{name}: nothing changed since run {good.run}: {_state(good, served)}")
            return
        _reconcile(places)
        click.echo(f"{name}: starting (TensorFlow and TFX take a while to load)")
        run_id = _new_run()
        with stderr_in(places.log(run_id, "start")):
            with loading():
                # Only now, since this is what takes so long.
                from beltline.pipeline.compile import compile_bundle
                from beltline.runners.local.runner import Request

            bundle = compile_bundle(resolved, places.bundles)
        record = Record(run_id, name, bundle.manifest.digest, inputs if whole else "")
        nodes = nodes_between(bundle.manifest, start, end)
        forced = frozenset(nodes if force == _ALL else [force] if force else [])
        room = Room.of_machine(project.settings.local.max_active_nodes)
        _run(bundle, places, record, Request(run_id, nodes, room, forced), served)


def _run(bundle: Any, places: Places, record: Record, request: Any, served: Path) -> None:
    from beltline.runners.local import runner as local
    from beltline.runners.local.children import Stopped
    from beltline.runners.metadata.reconcile import settle

    click.echo(f"{record.name} · run {record.run} · bundle {bundle.manifest.digest[:12]}")
    record.write(places.root)
    try:
        outcomes = local.run(bundle, places, request, report)
    except BaseException as error:
        settle(places, record.name, record.run, _KILLED)
        record.ended("stopped" if isinstance(error, Stopped) else "failed").write(places.root)
        if isinstance(error, Stopped):
            raise Stopped(
                f"{error}; nothing was pushed. `beltline run` goes on where this left off"
            ) from None
        raise
    _conclude(places, record, outcomes, served)


def _conclude(places: Places, record: Record, outcomes: list[Outcome], served: Path) -> None:
    """Writes down how the run ended, and raises what the exit code is made of."""
    found = ending(outcomes, record.run, served)
    record.ended(found.end, found.version if found.end == "done" else "").write(places.root)
    if found.end == "done":
        if found.version:
            click.echo(f"served: {served / found.version}")
        return
    raise found.error(
        f"log: {places.log(record.run, found.node)}\n  mend it and call `beltline run` again: "
        "it goes on from there, what is done stays done"
    )


def _state(good: Record, served: Path) -> str:
    number = live(served)
    chosen = "" if str(number) == good.version else f"; version {number} was made live since"
    return f"version {good.version} is up to date{chosen}"


def _reconcile(places: Places) -> None:
    """Marks failed what runs that were killed have left running; we hold the root, so they are."""
    from beltline.runners.metadata.reconcile import settle

    for record in records(places.root):
        if record.end == "running":
            settle(places, record.name, record.run, _KILLED)
            record.ended("stopped").write(places.root)


def _new_run() -> str:
    return f"{time.strftime('%Y%m%d-%H%M%S', time.gmtime())}-{secrets.token_hex(2)}"
