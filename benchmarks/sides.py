"""The two sides of the comparison: the same taxi trips, and how each side runs on them.

    cold         everything for the first time, in an empty root
    unchanged    the same again, in the same root
    changed      again in it, with another learning rate

Both learn for the same number of steps. Stock takes 40 rows a step, as its template does; Beltline
goes once over all training rows, in as many steps: it has more to do, never less.
"""

import sys
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Literal

from beltline.data import taxi
from benchmarks.processes import Measured, measure

Kind = Literal["cold", "unchanged", "changed"]

STEPS = 200
LEARNING_RATE, CHANGED_LEARNING_RATE = 0.001, 0.002
SAMPLE_ROWS = 15_000  # what "15k" means: the 15,002 trips of the sample
TRAIN_SHARE = 0.7  # Beltline's default


@dataclass(frozen=True)
class Rows:
    """One size of the data, with a file for each side; the trips are the same."""

    name: str
    number: int
    ours: Path
    stock: Path


def write_rows(name: str, folder: Path) -> Rows:
    """Writes the trips for both sides, and Beltline's settings for them.

    Args:
      name: `15k` for the sample itself; `150k` for ten times it and so on; a smaller number for
        as many of its first rows.
      folder: where to; made if it isn't there.
    """
    wanted = int(name.removesuffix("k")) * (1000 if name.endswith("k") else 1)
    times = max(1, wanted // SAMPLE_ROWS)
    few, ours = folder / "few.csv", folder / "ours" / "taxi.csv"
    stock = folder / "stock" / "taxi.csv"
    for file in (ours, stock):
        file.parent.mkdir(parents=True)
    with taxi.source_path().open(encoding="utf-8") as lines:
        header, *body = islice(lines, wanted + 1 if wanted < SAMPLE_ROWS else None)
    few.write_text(header + "".join(body), encoding="utf-8")
    taxi.convert(few, ours, times)
    with stock.open("w", encoding="utf-8") as out:
        out.write(header)
        for _ in range(times):
            out.writelines(body)
    words = ["init", str(ours), "--label", taxi.LABEL, "-o", str(ours.parent)]
    measure(_beltline(words), {}, folder / "init.log")
    return Rows(name, len(body) * times, ours, stock)


def run_ours(rows: Rows, root: Path, kind: Kind) -> Measured:
    """Runs Beltline from the command line in this root."""
    # No step is left over for a second pass; no model is refused for being worse than the last.
    batch = max(1, int(TRAIN_SHARE * rows.number / STEPS))
    settings: dict[str, float] = {
        "training.epochs": 1,
        "training.batch_size": batch,
        "evaluation.champion.margin": -1,
        "training.learning_rate": CHANGED_LEARNING_RATE if kind == "changed" else LEARNING_RATE,
    }
    changes = [word for key, value in settings.items() for word in ("--set", f"{key}={value}")]
    words = ["run", "-f", str(rows.ours.parent / "pipeline.yaml"), *changes]
    return measure(_beltline(words), {"BELTLINE_ROOT": str(root)}, _log(root, kind))


def run_stock(rows: Rows, root: Path, kind: Kind) -> Measured:
    """Runs the taxi template in this root."""
    places = ["--data", str(rows.stock.parent), "--root", str(root), "--steps", str(STEPS)]
    rate = ["--learning-rate", str(CHANGED_LEARNING_RATE)] if kind == "changed" else []
    words = [sys.executable, "-m", "benchmarks.stock", *places, *rate]
    return measure(words, {}, _log(root, kind))


def _beltline(words: list[str]) -> list[str]:
    return [sys.executable, "-m", "beltline.runners.cli", *words]


def _log(root: Path, kind: Kind) -> Path:
    return root.with_name(f"{root.name}-{kind}.log")
