"""`beltline runs`: the runs of this pipeline wherever they ran, or the nodes of one."""

import json
import time
from pathlib import Path

import click

from beltline.base.printable import printable
from beltline.runners.cli.options import open_project, settings_options
from beltline.runners.cli.table import table
from beltline.runners.history import History, RunSummary, as_json, described


@click.command("runs")
@click.argument("run", required=False)
@settings_options
@click.option("--json", "json_output", is_flag=True, help="Print JSON.")
def runs(run: str | None, file: Path, overrides: tuple[str, ...], json_output: bool) -> None:
    """List the runs, newest last, or the nodes of RUN; RUN may be `latest`."""
    project, paths = open_project(file, overrides)
    history = History(paths, project.settings.name)
    if run:
        _print_nodes(history, history.find(run), json_output)
    else:
        _print_runs(history.runs(), project.settings.name, json_output)


def _print_runs(found: list[RunSummary], pipeline: str, json_output: bool) -> None:
    if json_output:
        click.echo(json.dumps([as_json(run) for run in found], indent=2))
    elif not found:
        click.echo(f"{pipeline}: no runs yet; start one with `beltline run`")
    else:
        head = ["run", "started", "seconds", "state", "version", "bundle"]
        click.echo("\n".join(table([head, *(_run_row(run) for run in found)])))


def _run_row(run: RunSummary) -> list[str]:
    form = "%Y-%m-%d %H:%M:%S"
    started = time.strftime(form, time.localtime(run.started)) if run.started else "-"
    last = [run.version or "-", run.bundle[:12] or "-"]
    return [run.run, started, _seconds(run.seconds), run.state, *last]


def _print_nodes(history: History, run: str, json_output: bool) -> None:
    found, nodes = history.run(run), history.nodes(run)
    if json_output:
        click.echo(json.dumps(described(history, run), indent=2))
        return
    version = f" · version {found.version}" if found.version else ""
    click.echo(f"run {run} · {found.state} · bundle {found.bundle[:12] or '-'}{version}")
    rows = [[node.node, node.state, _seconds(node.seconds), node.log or "-"] for node in nodes]
    click.echo("\n".join(table([["node", "state", "seconds", "log"], *rows])))
    for node in nodes:
        if node.reason:
            reason = printable(node.reason).replace("\n", "\n  ")
            click.echo(f"{node.node} {node.state}:\n  {reason}")


def _seconds(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f}"
