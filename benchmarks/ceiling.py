"""How much two cores of this machine do at once: the data nodes alone, and twice side by side.

    python -m benchmarks.ceiling --rows 1500k [-o PAGE] [-o ANOTHER]

Two processes run the same nodes on the same table, each in a root of its own, and share nothing.
What they gain over one after the other is the most that two workers can gain here over one.
"""

import shlex
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import click

from benchmarks import pages
from benchmarks.growth import NODES, SPREAD, Point
from benchmarks.machine import describe
from benchmarks.scale import OUTPUTS, measured
from benchmarks.sides import write_rows


@click.command()
@click.option("--rows", "name", default="150k", help="As in benchmarks.speed.")
@click.option("--to", "last", default=NODES[-1], type=click.Choice(NODES), help="The last node.")
@OUTPUTS
def main(name: str, last: str, outputs: tuple[Path, ...]) -> None:
    """Measure what two processes gain that share nothing."""
    words = shlex.join(["python", "-m", "benchmarks.ceiling", *sys.argv[1:]])
    with tempfile.TemporaryDirectory(prefix="beltline-bench-") as folder:
        rows = write_rows(name, Path(folder) / "rows")

        def run(root: str) -> Point:
            return measured(rows, "direct", last, Path(folder) / root, words)

        alone = run("alone")
        with ThreadPoolExecutor(2) as both:
            text = section(alone, list(both.map(run, ("left", "right"))))
    pages.put("ceiling", text, *outputs)


def section(alone: Point, both: list[Point]) -> str:
    """Returns the section of the page.

    Args:
      alone: the run of one process.
      both: those of two at once.
    """
    lines = []
    for node in SPREAD:
        if node not in alone.seconds:
            continue
        one, slower = alone.seconds[node], max(each.seconds[node] for each in both)
        # Of both: each counts all processes.
        spent = max(each.processor[node] for each in both)
        cells = (one, alone.processor[node], slower, spent)
        lines.append([node, *(f"{each:.1f}" for each in cells), f"{2 * one / slower:.2f}"])
    head = ["node", "alone, s", "of processors", "two at once, s", "of processors", "gain"]
    return "\n\n".join(
        [
            "## What two processes gain that share nothing",
            f"`{alone.command}`; {time.strftime('%Y-%m-%d')}. {describe()}.",
            f"{alone.rows:,} rows in one process, then in two at once, the slower of which counts. "
            "The gain is that over one after the other: 2 where a machine's cores don't hinder "
            "each other.",
            pages.table(head, lines),
        ]
    )


if __name__ == "__main__":
    main()
