"""The data nodes in one process and on workers of Dask: seconds, memory, and what they grow to.

    python -m benchmarks.scale --rows 150k --rows 600k [--side direct] [--to NODE] [--measured FILE]
        [-o PAGE]

Each side runs the pipeline up to the Evaluator, or the node of `--to`, one node at a time, in a
root of its own, on taxi trips; one pass of training, for the Evaluator's sake. What several calls
have measured, kept in a file, makes one section: a large table takes minutes on each side. What
follows for other numbers of rows is in `growth.py`.
"""

import json
import re
import shlex
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
import psutil

from benchmarks import growth, pages
from benchmarks.executions import latest, node_times, output_folder
from benchmarks.growth import NODES, SIDES, Point
from benchmarks.machine import describe
from benchmarks.processes import ProcessorTime, measure, tree_mib
from benchmarks.sides import STEPS, TRAIN_SHARE, Rows, write_rows

_EVERY_SECONDS = 1.0
_OUTPUTS = {
    "examples": ("ExampleGen", "examples"),
    "transformed": ("Transform", "transformed_examples"),
}


OUTPUTS = click.option(
    "-o",
    "--output",
    "outputs",
    type=Path,
    multiple=True,
    help="Replace the section in this Markdown file; repeatable.",
)


@click.command()
@click.option("--rows", "names", multiple=True, default=("150k",), help="As in benchmarks.speed.")
@click.option("--side", "sides", multiple=True, type=click.Choice(list(SIDES)), default=SIDES)
@click.option("--to", "last", default=NODES[-1], type=click.Choice(NODES), help="The last node.")
@click.option("--measured", "kept", type=Path, help="Add to this JSON file, and take what it has.")
@OUTPUTS
def main(
    names: tuple[str, ...],
    sides: tuple[str, ...],
    last: str,
    kept: Path | None,
    outputs: tuple[Path, ...],
) -> None:
    """Compare one process with one and two workers of Dask."""
    points = []
    if kept and kept.exists():
        points = [Point(**each) for each in json.loads(kept.read_text(encoding="utf-8"))]
    words = shlex.join(["python", "-m", "benchmarks.scale", *sys.argv[1:]])
    with tempfile.TemporaryDirectory(prefix="beltline-bench-") as folder:
        for name in names:
            rows = write_rows(name, Path(folder) / name)
            for side in sides:
                root = Path(folder) / f"{name}-{SIDES[side]}"
                point = measured(rows, side, last, root, words)
                click.echo(f"{name} {side}: {sum(point.processor.values()):.1f} s", err=True)
                points.append(point)
                if kept:
                    # Now: a later one may take too long.
                    text = json.dumps([vars(each) for each in points], indent=1)
                    kept.write_text(text, encoding="utf-8")
    pages.put("scale", section(points), *outputs)


def measured(rows: Rows, side: str, last: str, root: Path, command: str) -> Point:
    """Runs the pipeline on one side.

    Args:
      rows: the table.
      side: one of SIDES.
      last: up to which node.
      root: where an empty root is made; its name begins that of the logs.
      command: what measures it.
    """
    batch = max(1, int(TRAIN_SHARE * rows.number / STEPS))
    settings: dict[str, object] = {
        "model.learners": "[network]",
        "training.epochs": 1,
        "training.batch_size": batch,
        "local.max_active_nodes": 1,
    }
    with _workers(SIDES[side], root) as (where, most), ProcessorTime() as spent:
        settings |= where
        words = ["run", "-f", str(rows.ours.parent / "pipeline.yaml"), "--to", last]
        words += [word for key, value in settings.items() for word in ("--set", f"{key}={value}")]
        cost = measure(
            [sys.executable, "-m", "beltline.runners.cli", *words],
            {"BELTLINE_ROOT": str(root)},
            root.with_name(f"{root.name}.log"),
        )
    times = {node: node_times(execution) for node, execution in latest(root).items()}
    ran = [node for node in NODES if node in times]
    sizes = {"csv": rows.ours.stat().st_size}
    for name, (node, output) in _OUTPUTS.items():
        if node in ran:
            sizes[name] = _bytes(output_folder(root, node, output))
    mib = max(most) if SIDES[side] else cost.mib
    seconds = {node: times[node][1] - times[node][0] for node in ran}
    processor = {node: spent.between(*times[node]) for node in ran}
    return Point(rows.number, side, seconds, processor, mib, sizes, command)


@contextmanager
def _workers(number: int, root: Path) -> Iterator[tuple[dict[str, object], list[float]]]:
    """Yields the settings of a cluster and the most MiB of each of its workers, as they grow."""
    most = [0.0] * number
    if not number:
        yield {}, most
        return
    log = root.with_name(f"{root.name}-cluster.log")
    words = ["cluster", "up", "--workers", str(number), "--port", "0"]
    with log.open("w", encoding="utf-8") as out:
        cluster = subprocess.Popen(
            [sys.executable, "-m", "beltline.runners.cli", *words], stdout=out
        )
    ended = threading.Event()
    try:
        while not (found := re.search(r" at (tcp://\S+);", log.read_text(encoding="utf-8"))):
            if cluster.poll() is not None:
                raise click.ClickException("the cluster did not start")
            time.sleep(0.2)
        workers = _processes(cluster.pid)
        watch = threading.Thread(target=_look, args=(workers, most, ended))
        watch.start()
        yield {"beam.runner": "dask", "beam.dask.scheduler": found[1]}, most
    finally:
        ended.set()
        cluster.send_signal(signal.SIGINT)
        cluster.wait(60)
    watch.join()


def _processes(cluster: int) -> list[int]:
    """Returns the processes of a cluster's workers."""
    return [
        each.pid
        for each in psutil.Process(cluster).children()
        # Beside them is multiprocessing's tracker of resources.
        if "dask worker" in " ".join(each.cmdline())
    ]


def _look(workers: list[int], most: list[float], ended: threading.Event) -> None:
    """Notes the memory of a cluster's workers until the end."""
    while not ended.wait(_EVERY_SECONDS):
        for place, pid in enumerate(workers):
            most[place] = max(most[place], tree_mib(pid))


def _bytes(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


def section(points: list[Point]) -> str:
    """Returns the section of RESULTS.md from what was measured."""
    commands = ", ".join(f"`{each}`" for each in dict.fromkeys(each.command for each in points))
    return "\n\n".join(
        [
            "## One process, and workers of Dask",
            f"{commands}; {time.strftime('%Y-%m-%d')}. {describe()}.",
            "Processor seconds of each node, one at a time: those of the run's processes, the "
            "scheduler and the workers between the execution's two times in ML Metadata. A worker "
            "has one thread, and so has TensorFlow in it; one process has all cores. The ratio is "
            "to one process, and for two workers also to one of them. MiB is the most of a single "
            "worker (PSS), `-` where it was not seen; of one process, that of the whole run.",
            growth.measured_table(points, "processor"),
            "Wall seconds of the same; beside other work on the machine they say little.",
            growth.measured_table(points, "seconds"),
            *growth.derived(points),
        ]
    )


if __name__ == "__main__":
    main()
