"""`make bench`: Beltline against stock TFX, on the same trips and the same machine, side by side.

    python -m benchmarks.speed [--rows 15k] [--repeats 3] [-o benchmarks/RESULTS.md]

Each repeat starts with empty roots and takes turns, ours and stock's, so that a change of the
machine's pace meets both. How each side is run is in `sides.py` and `stock.py`; what the nodes
compute at the least, in `bare.py`; the tables and the targets are in `tables.py`.
"""

import json
import re
import shlex
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import click

from benchmarks import pages, tables
from benchmarks.executions import node_seconds
from benchmarks.machine import describe
from benchmarks.processes import measure
from benchmarks.results import Side, Size, add
from benchmarks.sides import STEPS, Kind, Rows, run_ours, run_stock, write_rows

# With more, only the first run is compared: stock takes minutes for each.
_MOST_ROWS_AGAIN = 200_000
_RUNS = {"ours": run_ours, "stock": run_stock}
_EXAMPLE_GEN: dict[Side, str] = {"ours": "ExampleGen", "stock": "CsvExampleGen"}


def _sizes(_: click.Context, __: click.Parameter, names: tuple[str, ...]) -> tuple[str, ...]:
    for name in names:
        if not re.fullmatch(r"[1-9][0-9]*k?", name):
            raise click.BadParameter(f"'{name}' is no number of rows, such as 600 or 150k")
    return names


@click.command()
@click.option(
    "--rows",
    "names",
    multiple=True,
    callback=_sizes,
    default=("15k", "150k", "1500k"),
    help="A size of the data; may be given several times. 15k is the sample of 15,002 trips, "
    "150k ten times the sample; a number below is as many of its first trips.",
)
@click.option("--repeats", default=3, help="Runs of each kind.")
@click.option("-o", "--output", type=Path, help="Replace the section in this Markdown file.")
def main(names: tuple[str, ...], repeats: int, output: Path | None) -> None:
    """Compare Beltline with stock TFX."""
    with tempfile.TemporaryDirectory(prefix="beltline-bench-") as folder:
        every = [write_rows(name, Path(folder) / name) for name in names]
        sizes = [Size(rows.name, rows.number) for rows in every]
        for _ in range(repeats):
            for rows, size in zip(every, sizes, strict=True):
                with tempfile.TemporaryDirectory(dir=folder) as roots:
                    repeat(rows, size, Path(roots), _kinds(rows))
    words = ["python", "-m", "benchmarks.speed", *sys.argv[1:]]
    text = section(sizes, repeats, shlex.join(words))
    # Sizes that were measured apart stand apart.
    pages.put(f"against stock: {', '.join(names)}", text, output)


def _kinds(rows: Rows) -> tuple[Kind, ...]:
    return ("cold", "unchanged", "changed") if rows.number <= _MOST_ROWS_AGAIN else ("cold",)


def repeat(rows: Rows, size: Size, folder: Path, kinds: Sequence[Kind]) -> None:
    """Runs every kind once on each side, by turns, then the bare computations.

    Args:
      rows: the data.
      size: where the figures go.
      folder: an empty one, for roots and logs.
      kinds: what to run, the cold run first.
    """
    roots: dict[Side, Path] = {"ours": folder / "ours", "stock": folder / "stock"}
    for kind in kinds:
        for side, root in roots.items():
            root.mkdir(exist_ok=True)
            cost = _RUNS[side](rows, root, kind)
            size.seconds[kind, side].append(cost.seconds)
            line = f"{rows.name} {kind} {side}: {cost.seconds:.1f} s, {cost.mib:,.0f} MiB"
            click.echo(line, err=True)
            if kind == "cold":
                size.mib[side].append(cost.mib)
                _take_nodes(size, root, side)
    shutil.rmtree(roots["stock"])
    _take_bare(rows, size, roots["ours"])


def _take_nodes(size: Size, root: Path, side: Side) -> None:
    nodes = node_seconds(root)
    size.seconds["ExampleGen", side].append(nodes[_EXAMPLE_GEN[side]])
    if side == "ours":
        add(size.nodes, nodes)


def _take_bare(rows: Rows, size: Size, root: Path) -> None:
    figures, log = root / "bare.json", root / "bare.log"
    places = ["--data", str(rows.ours), "--root", str(root), "-o", str(figures)]
    measure([sys.executable, "-m", "benchmarks.bare", *places], {}, log)
    add(size.bare, json.loads(figures.read_text(encoding="utf-8")))


def section(sizes: list[Size], repeats: int, command: str) -> str:
    """Returns the section of RESULTS.md.

    Args:
      sizes: what was measured.
      repeats: how often.
      command: what measured it.
    """
    runs = "1 run" if repeats == 1 else f"{repeats} runs"
    return "\n\n".join(
        [
            f"{tables.HEADING}: {', '.join(size.name for size in sizes)} rows",
            f"`{command}`; {time.strftime('%Y-%m-%d')}. {describe()}.",
            f"Wall seconds of whole processes, {runs} of each kind, Beltline and stock TFX "
            f"by turns; the ratio is Beltline's median by stock's. Stock is the taxi template on "
            f"LocalDagRunner ([stock.py](stock.py) says what differs from it); about {STEPS} "
            "training steps on both sides, of 40 rows in the template and over all training rows "
            "in Beltline. ExampleGen's seconds are its execution's in ML Metadata.",
            tables.compared(sizes),
            "The first run by number of rows. MiB is the most of the process and all its "
            "descendants together, in all runs (PSS, see [processes.py](processes.py)).",
            tables.growth(sizes),
            "Each node's seconds in the first run (medians, from ML Metadata), those of its bare "
            "computation in a plain process ([bare.py](bare.py)), and their ratio. In the run, "
            "other nodes are at work at the same time. A node with one figure only keeps books.",
            tables.distances(sizes),
        ]
    )


if __name__ == "__main__":
    main()
