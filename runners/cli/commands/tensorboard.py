"""`beltline tensorboard`: shows the training curves of runs in TensorBoard."""

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import click

from beltline.base.errors import WrongInput
from beltline.runners.cli.options import open_project, port_option, settings_options
from beltline.runners.history import History
from beltline.storage import folders

_ALL = "all"
# What trains, and what its curves are called within a run's.
_TRAINING = {"Trainer": "", "Refit": "refit"}


@click.command("tensorboard")
@click.argument("run", default=_ALL)
@settings_options
@port_option(6006, "0 for a free one")
def tensorboard(run: str, file: Path, overrides: tuple[str, ...], port: int) -> None:
    """Show the training curves of all runs, or of RUN, in TensorBoard until Ctrl-C."""
    project, paths = open_project(file, overrides)
    name = project.settings.name
    history = History(paths, name)
    wanted = [each.run for each in history.runs()] if run == _ALL else [history.find(run)]
    folder = paths.root / "tensorboard" / name
    _link(folder, dict(_curves(history, wanted)))
    sys.stdout.flush()
    words = ["--logdir", str(folder), "--host", "127.0.0.1", "--port", str(port)]
    # In place of this process, so that Ctrl-C is TensorBoard's own.
    os.execv(sys.executable, [sys.executable, "-m", "tensorboard.main", *words])  # noqa: S606


def _curves(history: History, runs: list[str]) -> Iterator[tuple[str, Path]]:
    """Yields the folders of event files, each by the run's id and what it is a curve of.

    Raises:
      WrongInput: there is none on this machine.
    """
    found = False
    for run in runs:
        for execution in history.executions(run):
            for artifact in execution.outputs.get("model_run", []):
                folder = folders.local(artifact["uri"], stay=True)
                for each in sorted(folder.iterdir()) if folder.is_dir() else []:
                    found = True
                    yield str(Path(run, _TRAINING.get(execution.node, ""), each.name)), each
    if not found:
        which = f"run {runs[0]} has no" if len(runs) == 1 else "no run has"
        raise WrongInput(f"{which} training curves on this machine; `beltline run` writes them")


def _link(folder: Path, curves: dict[str, Path]) -> None:
    """Makes the folder show curves by their runs: artifacts are named by executions."""
    shutil.rmtree(folder, ignore_errors=True)
    for name, target in curves.items():
        link = folder / name
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(target, target_is_directory=True)
