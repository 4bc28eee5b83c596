"""`make bench-quality`: the default model against gradient boosting, on public tables.

    python -m benchmarks.quality [--set wine] [--splits 3] [--with KEY=VALUE] [-o FILE]
    python -m benchmarks.quality --scores FOLDER ...    # goes on where it was stopped

For each table and each split of its rows: `beltline init`, `beltline run --to Trainer`, and the
exported model's score on the eval rows beside that of scikit-learn's HistGradientBoosting with
its defaults. The tables are in `quality_sets.py`, how a run is scored in `quality_scores.py`.
"""

import json
import shlex
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from benchmarks import pages
from benchmarks.machine import describe
from benchmarks.pages import table
from benchmarks.processes import measure
from benchmarks.quality_sets import PUBLIC, SETS, SPLIT_BY, write

MEAN_AT_LEAST = -0.005
EACH_AT_LEAST = -0.02
F1_WITHIN = 0.03
LARGE = ("taxi", "casting")

Scores = dict[str, Any]
"""What `quality_scores` writes for one run."""


@click.command()
@click.option("--set", "names", multiple=True, type=click.Choice(list(SETS)), help="Only this one.")
@click.option("--splits", default=4, help="How many ways each small set is split.")
@click.option("--large-splits", default=6, help="How many ways each large one is.")
@click.option("--with", "settings", multiple=True, metavar="KEY=VALUE", help="As in `run --set`.")
@click.option(
    "--scores", type=Path, help="A folder of each run's scores; what lies there is not run again."
)
@click.option("-o", "--output", type=Path, help="Replace the section in this Markdown file.")
def main(
    names: tuple[str, ...],
    splits: int,
    large_splits: int,
    settings: tuple[str, ...],
    scores: Path | None,
    output: Path | None,
) -> None:
    """Compare the default model with gradient boosting."""
    found: dict[str, list[Scores]] = {}
    for name in names or SETS:
        number = large_splits if name in LARGE else splits
        found[name] = [once(name, split, settings, scores) for split in range(number)]
    words = ["python", "-m", "benchmarks.quality", *sys.argv[1:]]
    text = section(found, shlex.join(words))
    if output is None:
        click.echo(text)
    else:
        pages.replace(output, "quality", text)


def once(name: str, split: int, settings: Sequence[str], folder: Path | None) -> Scores:
    """As `run`; with a folder, the scores are kept there and read when asked for again."""
    if folder is None:
        return run(name, split, settings)
    file = folder / f"{name}-{split}.json"
    if not file.exists():
        folder.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(run(name, split, settings)), encoding="utf-8")
    found: Scores = json.loads(file.read_text(encoding="utf-8"))
    return found


def run(name: str, split: int, settings: Sequence[str] = ()) -> Scores:
    """Makes the table, trains on it by the command line, and scores it.

    Args:
      name: the set.
      split: which way to split its rows.
      settings: `KEY=VALUE`, laid over the defaults.
    """
    with tempfile.TemporaryDirectory(prefix="beltline-bench-") as scratch:
        folder = Path(scratch)
        begin(name, split, folder)
        found = train(folder, settings)
    said = f"{found['ours']['score']:.4f} by {found['boosting']['score']:.4f}"
    click.echo(f"{name} {split}: {said}, {found['trainer seconds']:.1f} s", err=True)
    return found


def begin(name: str, split: int, folder: Path) -> None:
    """Writes the table, and what `init` makes of it, into the folder."""
    data = folder / f"{name}.csv"
    label = write(name, split, data)
    _beltline(["init", str(data), "--label", label, "-o", str(folder)], folder)


def train(folder: Path, settings: Sequence[str], boosting: bool = True) -> Scores:
    """Runs the pipeline up to its Trainer and scores the model.

    A second time in the same folder, what these settings don't change is taken from the cache.

    Args:
      folder: as `begin` has left it.
      settings: `KEY=VALUE`, laid over the defaults.
      boosting: whether to train and score the other side too.
    """
    chosen = [f"data.split_by={SPLIT_BY}", *settings]
    changes = [word for setting in chosen for word in ("--set", setting)]
    _beltline(["run", "-f", str(folder / "pipeline.yaml"), "--to", "Trainer", *changes], folder)
    scores = folder / "scores.json"
    words = ["--root", str(folder / "root"), "-o", str(scores)]
    words += ["--boosting"] if boosting else []
    scoring = [sys.executable, "-m", "benchmarks.quality_scores", *words]
    measure(scoring, {"TF_CPP_MIN_LOG_LEVEL": "3"}, folder / "log")
    found: Scores = json.loads(scores.read_text(encoding="utf-8"))
    return found


def _beltline(words: list[str], folder: Path) -> None:
    command = [sys.executable, "-m", "beltline.runners.cli", *words]
    measure(command, {"BELTLINE_ROOT": str(folder / "root")}, folder / "log")


def section(found: Mapping[str, list[Scores]], command: str) -> str:
    """Returns the section of RESULTS.md.

    Args:
      found: the runs of each set.
      command: what measured it.
    """
    return "\n\n".join(
        [
            "## Quality against gradient boosting",
            f"`{command}`; {time.strftime('%Y-%m-%d')}. {describe()}.",
            "`beltline init` and `beltline run` with their defaults, by scikit-learn's "
            "HistGradientBoosting with its own. Boosting learns from the rows of train and "
            "validation together; both are judged on the same eval rows, by AUC or, for diabetes, "
            "by R². Every set is split several ways: the mean, and the difference's lowest and "
            "highest. Seconds are the Trainer's.",
            table(
                ["set", "rows", "splits", "Beltline", "boosting", "difference", "range", "s"],
                [_line(name, runs) for name, runs in found.items()],
            ),
            *_verdicts(found),
            *_rare(found),
        ]
    )


def _line(name: str, runs: list[Scores]) -> list[str]:
    each = differences(runs)
    return [
        name,
        f"{sum(runs[0]['rows'].values()):,}",
        str(len(runs)),
        f"{_mean(runs, lambda run: run['ours']['score']):.4f}",
        f"{_mean(runs, lambda run: run['boosting']['score']):.4f}",
        f"{statistics.mean(each):+.4f}",
        f"{min(each):+.4f} to {max(each):+.4f}",
        f"{_mean(runs, lambda run: run['trainer seconds']):.1f}",
    ]


def differences(runs: list[Scores], score: str = "score") -> list[float]:
    """Returns by how much the model is better than boosting in each run."""
    return [run["ours"][score] - run["boosting"][score] for run in runs]


def _verdicts(found: Mapping[str, list[Scores]]) -> list[str]:
    means = [statistics.mean(differences(found[name])) for name in PUBLIC if name in found]
    if not means:
        return []
    mean, lowest = statistics.mean(means), min(means)
    return [
        f"Mean of the {len(means)} public sets: {mean:+.4f} "
        f"({_verdict(mean, MEAN_AT_LEAST)}); the lowest {lowest:+.4f} "
        f"({_verdict(lowest, EACH_AT_LEAST)})."
    ]


def _rare(found: Mapping[str, list[Scores]]) -> list[str]:
    if "casting" not in found:
        return []
    runs = found["casting"]
    ours, theirs = (
        ", ".join(f"{run[side]['f1']:.3f}" for run in runs) for side in ("ours", "boosting")
    )
    mean = statistics.mean(differences(runs, "f1"))
    return [
        f"Rare positives (casting, 4 %): F1 {ours} at the exported threshold, boosting's {theirs} "
        f"at the threshold tuned on its rows; in the mean {mean:+.3f} "
        f"({_verdict(mean, -F1_WITHIN)})."
    ]


def _verdict(value: float, least: float) -> str:
    return f"target: at least {least}, {'met' if value >= least else 'missed'}"


def _mean(runs: list[Scores], figure: Callable[[Scores], float]) -> float:
    return statistics.mean(map(figure, runs))


if __name__ == "__main__":
    main()
