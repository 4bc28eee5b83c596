"""Trains alone, on rows that are transformed already: what a change of the model code is worth.

    python -m benchmarks.quality.experiment --set wine --splits 3 --with model.members=4

The first time, a split of a set runs through the pipeline up to Transform, and is kept. From then
on its training alone is run, by the Trainer's `run_fn` in a process of its own, and the exported
model is scored on the eval rows. The code is that which Python finds: with `PYTHONPATH=OTHER/src`
another checkout's. With the peers' scores of a comparison, the best of them stands beside.
"""

import importlib
import json
import logging
import multiprocessing
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any, TypeVar

import click

from benchmarks.quality import kept, score_files
from benchmarks.quality.comparison import deciding, difference
from benchmarks.quality.scores import Metrics, of_model
from benchmarks.quality.sets import SETS
from benchmarks.quality.workspace import Workspace

KEPT = Path("build/quality/kept")

_Found = TypeVar("_Found")


@click.command()
@click.option("--set", "names", multiple=True, type=click.Choice(list(SETS)), required=True)
@click.option("--splits", default=3, help="How many ways each set is split.")
@click.option("--with", "settings", multiple=True, metavar="KEY=VALUE", help="As in `run --set`.")
@click.option("--kept", "parent", type=Path, default=KEPT, help="Where transformed rows are kept.")
@click.option("--scores", type=Path, help="The folder of a comparison, for its peers' scores.")
@click.option("-o", "--output", type=Path, help="Write every run's metrics here, as JSON.")
@click.option("--log", is_flag=True, help="Show what the training logs.")
def main(
    names: tuple[str, ...],
    splits: int,
    settings: tuple[str, ...],
    parent: Path,
    scores: Path | None,
    output: Path | None,
    log: bool,
) -> None:
    """Train on kept rows, and score."""
    preprocessing = kept.of_preprocessing(settings)
    parent = parent.resolve()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    if log:
        trainer = logging.getLogger("beltline.trainer")
        trainer.setLevel(logging.INFO)
        trainer.addHandler(logging.StreamHandler())
        trainer.propagate = False
    found: dict[str, list[Metrics]] = {}
    for name in names:
        found[name] = []
        for split in range(splits):
            space = kept.transformed(parent, name, split, preprocessing, settings)
            found[name].append(apart(space, settings))
            beside = _beside(scores, name, split, found[name][-1])
            click.echo(f"{name} {split}: {_line(found[name][-1])}{beside}")
        if splits > 1:
            means = {
                key: statistics.mean(run[key] for run in found[name]) for key in found[name][0]
            }
            click.echo(f"{name} mean: {_line(means)}")
        if output:
            output.write_text(json.dumps(found, indent=1), encoding="utf-8")


def apart(space: Workspace, settings: Sequence[str]) -> Metrics:
    """Trains and scores in a process of its own.

    Raises:
      click.ClickException: it failed; the error is on its standard error.
    """
    return in_a_fork(lambda: train(space, settings), space)


def in_a_fork(do: Callable[[], _Found], space: Workspace) -> _Found:
    """Returns what a function does in a process that inherits what is imported already.

    Args:
      do: trains on the rows of the workspace.
      space: which one.

    Raises:
      click.ClickException: it failed; the error is on its standard error.
    """
    # No operation of TensorFlow has run: so a fork is safe.
    for module in ("beltline.models.training", "beltline.pipeline.definition"):
        importlib.import_module(module)

    context = multiprocessing.get_context("fork")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=lambda: theirs.send(do()))
    process.start()
    theirs.close()
    try:
        found: _Found = ours.recv()
    except EOFError:
        raise click.ClickException(f"{space.folder}: the training failed") from None
    finally:
        process.join()
    return found


def train(space: Workspace, settings: Sequence[str]) -> Metrics:
    """Trains and scores in this process.

    Args:
      space: a run up to Transform.
      settings: `KEY=VALUE`, laid over the defaults.
    """
    from beltline.models.config import features_from_config

    config, run_fn = trainer_of(space, settings)
    with tempfile.TemporaryDirectory() as folder:
        arguments = arguments_of(space, config, Path(folder))
        started = time.monotonic()
        run_fn(arguments)
        seconds = time.monotonic() - started
        model = Path(arguments.serving_model_dir)
        metrics = of_model(model, space.examples, features_from_config(config))
    return {**metrics, "seconds": seconds}


def trainer_of(
    space: Workspace, settings: Sequence[str]
) -> tuple[dict[str, Any], Callable[[Any], None]]:
    """Returns the Trainer's `custom_config`, and the function that trains."""
    sys.path.insert(0, str(space.folder))
    config = trainer_config(space, settings)
    module, _, name = config["model"]["run_fn"].rpartition(".")
    return config, getattr(importlib.import_module(module), name)


def trainer_config(space: Workspace, settings: Sequence[str]) -> dict[str, Any]:
    """Returns the Trainer's `custom_config` as the pipeline would fill it with these settings."""
    from beltline.pipeline.definition import create_pipeline
    from beltline.pipeline.preflight import check_definition
    from beltline.pipeline.settings.reading import read_project

    project = read_project(space.settings, space.with_split(settings))
    pipeline = create_pipeline(check_definition(project))
    [trainer] = [node for node in pipeline.components if node.id == "Trainer"]
    config: dict[str, Any] = json.loads(trainer.exec_properties["custom_config"])
    return config


def arguments_of(space: Workspace, config: dict[str, Any], folder: Path) -> SimpleNamespace:
    """Returns what TFX's Trainer hands to a `run_fn`, as far as ours reads it.

    Args:
      space: a run up to Transform.
      config: the Trainer's `custom_config`.
      folder: for what it leaves.
    """
    rows = space.transformed
    return SimpleNamespace(
        train_files=[str(rows / "Split-train" / "*")],
        eval_files=[str(rows / "Split-validation" / "*")],
        transform_output=str(space.graph),
        serving_model_dir=str(folder / "model"),
        model_run_dir=str(folder / "logs"),
        working_dir=None,
        train_steps=None,
        base_model=None,
        hyperparameters=None,
        custom_config=config,
    )


def _beside(scores: Path | None, name: str, split: int, metrics: Metrics) -> str:
    """The best peer by what decides, and by how much the model is better."""
    file = scores and score_files.peers_file(scores, name, split)
    if not file or not file.exists():
        return ""
    both = score_files.pair(metrics, score_files.read(file))
    own = difference([both], deciding(both))
    return f"; {own.peer} {own.metric} {own.theirs:.4f}: {own.mean:+.4f}"


def _line(metrics: Metrics) -> str:
    return ", ".join(f"{name} {value:.4g}" for name, value in metrics.items())


if __name__ == "__main__":
    main()
