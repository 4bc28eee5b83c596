"""What each default of the network is worth: the same runs with one thing changed.

    python -m benchmarks.ablations [--set casting] [--splits 2] [-o benchmarks/RESULTS.md]

On each table the pipeline runs up to Transform, and the training alone with the defaults and with
each change. The metric is the score's difference to the defaults on the same eval rows. To add a
change, add a line to `CHANGES`; one that no setting makes is a network of its own in `variants.py`.
"""

import shlex
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import click

from benchmarks import pages, variants
from benchmarks.machine import describe
from benchmarks.pages import table
from benchmarks.quality import kept
from benchmarks.quality.experiment import apart
from benchmarks.quality.scores import Metrics
from benchmarks.quality.sets import SETS, installed

CHANGES: dict[str, tuple[str, ...]] = {
    "the defaults": (),
    "1 member": ("model.members=1",),
    "1 member, wider and deeper": ("model.members=1", "model.hidden=[256, 256, 128]"),
    "4 members": ("model.members=4",),
    "16 members": ("model.members=16",),
    "numbers without curves": ("model.network_fn=variants.without_pieces",),
    "numbers as z-scores": ("features.numbers=zscore",),
    "no dropout": ("model.dropout=0",),
    "half the width": ("model.hidden=[64, 64]",),
    "a third layer": ("model.hidden=[128, 128, 128]",),
    "no weight decay": ("training.weight_decay=0",),
    "half the learning rate": ("training.learning_rate=0.001",),
    "twice the learning rate": ("training.learning_rate=0.004",),
    "the same learning rate always": ("model.run_fn=variants.with_a_constant_rate",),
    "half the passes": ("training.epochs=8",),
    "twice the passes": ("training.epochs=32",),
    "no temperature": ("model.run_fn=variants.without_temperature",),
    "the best threshold of the validation rows": ("model.run_fn=variants.with_the_best_threshold",),
}

LARGE = ("taxi", "casting")
Found = dict[str, dict[str, list[Metrics]]]
"""Runs by set and change."""


@click.command()
@click.option("--set", "names", multiple=True, type=click.Choice(list(SETS)), help="Only this one.")
@click.option("--splits", default=3, help="How many ways each small set is split.")
@click.option("--large-splits", default=2, help="How many ways each large one is.")
@click.option("--change", "wanted", multiple=True, type=click.Choice(list(CHANGES)[1:]))
@click.option("-o", "--output", type=Path, help="Replace the section in this Markdown file.")
def main(
    names: tuple[str, ...],
    splits: int,
    large_splits: int,
    wanted: tuple[str, ...],
    output: Path | None,
) -> None:
    """Measure what each default of the network is worth."""
    changes = ["the defaults", *(wanted or list(CHANGES)[1:])]
    found: Found = {}
    for name in names or installed.SETS:
        found[name] = {change: [] for change in changes}
        for split in range(large_splits if name in LARGE else splits):
            run_all(name, split, found[name])
    text = section(found, shlex.join(["python", "-m", "benchmarks.ablations", *sys.argv[1:]]))
    if output is None:
        click.echo(text)
    else:
        # Sets that were measured apart stand apart.
        pages.replace(output, f"ablations: {', '.join(found)}", text)


def run_all(name: str, split: int, runs: dict[str, list[Metrics]]) -> None:
    """Runs every change on one split of a set and adds each one's scores to `runs`."""
    with tempfile.TemporaryDirectory(prefix="beltline-bench-") as scratch:
        for change, metrics in runs.items():
            settings = CHANGES[change]
            preprocessing = kept.of_preprocessing(settings)
            space = kept.transformed(Path(scratch), name, split, preprocessing, settings)
            shutil.copy(variants.__file__, space.folder / "variants.py")
            metrics.append(apart(space, settings))
            said = f"{_score(metrics[-1]):.4f}, {metrics[-1]['seconds']:.1f} s"
            click.echo(f"{name} {split}, {change}: {said}", err=True)


def section(found: Found, command: str) -> str:
    """Returns the section of RESULTS.md.

    Args:
      found: the runs by set and change.
      command: what measured them.
    """
    changes = list(next(iter(found.values())))
    lines = [
        [change, *(_cell(runs, change) for runs in found.values()), _seconds(found, change)]
        for change in changes
    ]
    return "\n\n".join(
        [
            f"## What each default of the network is worth: {', '.join(found)}",
            f"`{command}`; {time.strftime('%Y-%m-%d')}. {describe()}.",
            "The first line is the score with the defaults, AUC or, for diabetes, R²; behind the "
            "first stroke is the log loss, where less is better, and behind the second, of two "
            "classes, F1 at the exported threshold. The other lines are differences to the first "
            "on the same rows, in the mean of the splits. Seconds are the Trainer's, in the mean "
            "of all.",
            table(["", *found, "s"], lines),
        ]
    )


def _cell(runs: dict[str, list[Metrics]], change: str) -> str:
    base, own = runs["the defaults"], runs[change]
    values = []
    for name in ("auc", "r2", "log loss", "f1"):
        if name in own[0]:
            value = _mean(own, name) - (0 if own is base else _mean(base, name))
            values.append(f"{value:.4f}" if own is base else f"{value:+.4f}")
    return " / ".join(values)


def _score(metrics: Metrics) -> float:
    return metrics["auc"] if "auc" in metrics else metrics["r2"]


def _mean(runs: Sequence[Metrics], name: str) -> float:
    return statistics.mean(run[name] for run in runs)


def _seconds(found: Found, change: str) -> str:
    each = [run["seconds"] for runs in found.values() for run in runs[change]]
    return f"{statistics.mean(each):.1f}"


if __name__ == "__main__":
    main()
