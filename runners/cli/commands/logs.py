"""`beltline logs`: the log of a node in a local run."""

from pathlib import Path

import click

from beltline.base.printable import printable
from beltline.runners.choices import check_choice
from beltline.runners.cli.options import open_project, settings_options
from beltline.runners.history import LATEST
from beltline.runners.local.record import records
from beltline.runners.paths import Paths


@click.command("logs")
@click.argument("run")
@click.argument("node")
@settings_options
def logs(run: str, node: str, file: Path, overrides: tuple[str, ...]) -> None:
    """Print the log of NODE in RUN; RUN may be `latest`."""
    project, paths = open_project(file, overrides)
    known = _logged_runs(paths, project.settings.name)
    if run == LATEST and known:
        run = known[-1]
    check_choice(f"no logs of run '{run}' found", run, [*known, LATEST] if known else [])
    folder = paths.log(run, node).parent
    nodes = sorted(log.stem for log in folder.glob("*.log"))
    check_choice(f"run {run}: no log of node '{node}' found", node, nodes)
    # While it is being written, a log may end in the middle of a character.
    with (folder / f"{node}.log").open(encoding="utf-8", errors="replace") as lines:
        for line in lines:
            click.echo(printable(line), nl=False)


def _logged_runs(paths: Paths, pipeline: str) -> list[str]:
    """Returns the runs with logs in this root, latest last, without those of other pipelines."""
    others = {record.run for record in records(paths.root) if record.name != pipeline}
    folders = [folder for folder in (paths.root / "logs").glob("*") if folder.is_dir()]
    # By time and not by name: Airflow names a run by what triggered it.
    folders.sort(key=lambda folder: (_last_written(folder), folder.name))
    return [folder.name for folder in folders if folder.name not in others]


def _last_written(folder: Path) -> float:
    return max((log.stat().st_mtime for log in folder.glob("*.log")), default=0)
