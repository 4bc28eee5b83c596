"""What each default is worth: the same runs with one thing changed.

    python -m benchmarks.ablations [--of learners] [--set casting] [--splits 2] [-o PAGE]

On each table the pipeline runs up to Transform, and the training alone with the defaults and with
each change of a group (`changes.py`). The metric is the score's difference to the defaults on the
same eval rows. What was measured is kept in `--measured`, and not run again.
"""

import json
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
from benchmarks.changes import DEFAULTS, GROUPS, Group
from benchmarks.machine import describe
from benchmarks.pages import table
from benchmarks.quality import kept
from benchmarks.quality.experiment import apart
from benchmarks.quality.scores import Metrics
from benchmarks.quality.sets import LONG, SETS

LARGE = ("taxi", "casting")
Found = dict[str, dict[str, list[Metrics]]]
"""Runs by set and change."""


@click.command()
@click.option("--of", "kind", default="network", type=click.Choice(list(GROUPS)), help="The group.")
@click.option("--set", "names", multiple=True, type=click.Choice(list(SETS)), help="Only this one.")
@click.option("--splits", default=3, help="How many ways each small set is split.")
@click.option("--large-splits", default=2, help="How many ways each large one is.")
@click.option("--change", "wanted", multiple=True, help="Only this one; repeatable.")
@click.option("--measured", type=Path, help="Add to this JSON file, and take what it has.")
@click.option("-o", "--output", type=Path, help="Replace the section in this Markdown file.")
def main(
    kind: str,
    names: tuple[str, ...],
    splits: int,
    large_splits: int,
    wanted: tuple[str, ...],
    measured: Path | None,
    output: Path | None,
) -> None:
    """Measure what each default is worth."""
    group = GROUPS[kind]
    if unknown := sorted(set(wanted) - set(group.changes)):
        raise click.BadParameter(f"{unknown[0]}: choose from {', '.join(group.changes)}")
    chosen = names or tuple(name for name in SETS if name not in LONG)
    found: Found = {}
    if measured and measured.exists():
        found = json.loads(measured.read_text(encoding="utf-8"))
    changes = [DEFAULTS, *(wanted or group.changes)]
    for name in chosen:
        runs = found.setdefault(name, {})
        for split in range(large_splits if name in LARGE else splits):
            run_all(name, split, {each: runs.setdefault(each, []) for each in changes}, group)
            if measured:
                measured.write_text(json.dumps(found, indent=1), encoding="utf-8")
    shown = {name: {each: found[name][each] for each in changes} for name in chosen}
    words = shlex.join(["python", "-m", "benchmarks.ablations", *sys.argv[1:]])
    text = section(shown, words, group)
    # Sets that were measured apart stand apart.
    pages.put(f"ablations of {kind}: {', '.join(chosen)}", text, output)


def run_all(name: str, split: int, runs: dict[str, list[Metrics]], group: Group) -> None:
    """Runs every change on one split of a set and adds each one's scores to `runs`.

    Args:
      name: the set.
      split: which way to split its rows.
      runs: the changes, with the metrics of the splits before this one, or of this one too.
      group: what the changes are.
    """
    with tempfile.TemporaryDirectory(prefix="beltline-bench-") as scratch:
        for change, metrics in runs.items():
            if len(metrics) > split:
                continue
            settings = group.settings(change)
            preprocessing = kept.of_preprocessing(settings)
            space = kept.transformed(Path(scratch), name, split, preprocessing, settings)
            shutil.copy(variants.__file__, space.folder / "variants.py")
            metrics.append(apart(space, settings))
            said = f"{_score(metrics[-1]):.4f}, {metrics[-1]['seconds']:.1f} s"
            click.echo(f"{name} {split}, {change}: {said}", err=True)


def section(found: Found, command: str, group: Group) -> str:
    """Returns the section of RESULTS.md.

    Args:
      found: the runs by set and change.
      command: what measured them.
      group: what the changes are.
    """
    changes = list(next(iter(found.values())))
    lines = [
        ["", *changes],
        *([name, *(_cell(runs, each) for each in changes)] for name, runs in found.items()),
        ["**mean**", *(_mean_cell(found, each) for each in changes)],
        ["s", *(_seconds(found, each) for each in changes)],
    ]
    if len(changes) > len(found):
        lines = [list(column) for column in zip(*lines, strict=True)]
    head, *rest = lines
    return "\n\n".join(
        [
            f"## {group.title}: {', '.join(found)}",
            f"`{command}`; {time.strftime('%Y-%m-%d')}. {describe()}.",
            "With the defaults the score is shown, AUC or, for numbers, R²; behind the first "
            "stroke is the log loss, where less is better, and behind the second, of two classes, "
            "F1 at the exported threshold. The others are differences to it on the same rows, in "
            "the mean of the splits; the mean of all sets is that of AUC or R². Seconds are the "
            "Trainer's, in the mean of all.",
            table(head, rest),
        ]
    )


def _mean_cell(found: Found, change: str) -> str:
    own = [statistics.mean(map(_score, runs[change])) for runs in found.values()]
    base = [statistics.mean(map(_score, runs[DEFAULTS])) for runs in found.values()]
    if change == DEFAULTS:
        return f"{statistics.mean(own):.4f}"
    return f"{statistics.mean(own) - statistics.mean(base):+.4f}"


def _cell(runs: dict[str, list[Metrics]], change: str) -> str:
    base, own = runs[DEFAULTS], runs[change]
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
