"""`make bench-serving`: Beltline's REST server, the model called directly, and BentoML.

    python -m benchmarks.serving [--served FOLDER] [--repeats 3] [-o benchmarks/RESULTS.md]

All of them have the same version of the same model and answer the same row. They take turns, so
that a change of the machine's pace meets all. How the servers are started is in `rest_servers.py`,
what is sent in `load.py`, and what a direct call is in `direct_calls.py`.
"""

import itertools
import json
import math
import shlex
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path

import click

from beltline.versions.folder import find
from beltline.versions.live import live
from benchmarks import pages
from benchmarks.direct_calls import first_row
from benchmarks.load import Load, drive
from benchmarks.machine import describe
from benchmarks.pages import table
from benchmarks.rest_servers import BENTOML, Server, beltline, bentoml

HEADING = "## Serving"
MANY = 32
_WARM_UP_SECONDS = 3
_NAMES = ("Beltline", "Beltline, all sampled", "BentoML", "BentoML, batching")

Loads = dict[tuple[str, int], list[Load]]


@click.command()
@click.option(
    "--served",
    type=Path,
    default=Path(".beltline/served/casting"),
    help="Folder of the versions; the live one is asked.",
)
@click.option("--repeats", default=3, help="Rounds.")
@click.option("--seconds", default=8, help="Seconds of each load.")
@click.option("-o", "--output", type=Path, help="Replace the section in this Markdown file.")
def main(served: Path, repeats: int, seconds: int, output: Path | None) -> None:
    """Compare Beltline's REST server with a direct call and with BentoML."""
    version = find(served, live(served) or 0)
    if version is None:
        raise click.ClickException(f"{served}: no version; `make run` makes one")
    loads: Loads = defaultdict(list)
    direct = []
    with (
        tempfile.TemporaryDirectory(prefix="beltline-bench-") as logs,
        beltline(served, Path(logs) / "beltline.log") as ours,
        beltline(served, Path(logs) / "sampling.log", Path(logs) / "samples") as sampling,
        bentoml(version.path, Path(logs) / "bentoml.log") as theirs,
    ):
        servers = dict(zip(_NAMES, (ours, sampling, *theirs), strict=True))
        row = first_row(version.path)
        for server in servers.values():
            _drive(server, row, MANY, _WARM_UP_SECONDS)
        for _ in range(repeats):
            direct.append(_direct(version.path, seconds))
            for connections, (name, server) in itertools.product((1, MANY), servers.items()):
                load = _drive(server, row, connections, seconds)
                loads[name, connections].append(load)
                click.echo(f"{name}, {connections}: {load}", err=True)
    text = section(direct, loads, shlex.join(["python", "-m", "benchmarks.serving", *sys.argv[1:]]))
    pages.put("serving", text, output)


def _drive(server: Server, row: dict[str, object], connections: int, seconds: int) -> Load:
    return drive(server.port, server.path, {"instances": [row]}, connections, seconds)


def _direct(model: Path, seconds: int) -> dict[str, float]:
    words = [sys.executable, "-m", "benchmarks.direct_calls", str(model), str(seconds)]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    return dict(json.loads(done.stdout.splitlines()[-1]))


def section(direct: list[dict[str, float]], loads: Loads, command: str) -> str:
    """Returns the section of RESULTS.md."""
    called, calls = (
        statistics.median(each[figure] for each in direct) for figure in ("p50", "per_second")
    )
    return "\n\n".join(
        [
            HEADING,
            f"`{command}`; {time.strftime('%Y-%m-%d')}. {describe()}.",
            "The casting model, one row a request, each connection one request after the other; "
            f"medians of {len(direct)} rounds. wrk, the servers and the model share the cores. "
            f"BentoML {BENTOML} calls the same signature, each request by itself or in adaptive "
            "batches ([bento_service.py](bento_service.py)); ratios take whichever does better.",
            _figures(called, calls, loads),
            _ratios(called, calls, loads),
        ]
    )


def _figures(called: float, calls: float, loads: Loads) -> str:
    direct = [
        "direct call of the signature, in process",
        "-",
        f"{called:.2f}",
        "-",
        f"{calls:,.0f}",
        "-",
    ]
    return table(
        ["who", "connections", "p50, ms", "p99, ms", "requests a second", "failed"],
        [direct, *(_line(*key, found) for key, found in loads.items())],
    )


def _line(name: str, connections: int, found: list[Load]) -> list[str]:
    times = [f"{_median(found, each):.2f}" for each in ("p50", "p99")]
    failed = sum(load.failed for load in found)
    return [name, str(connections), *times, f"{_median(found, 'per_second'):,.0f}", str(failed)]


def _ratios(called: float, calls: float, loads: Loads) -> str:
    one, many = loads["Beltline", 1], loads["Beltline", MANY]
    rate, alone = _median(many, "per_second"), _median(one, "p50")
    p99, p50 = _median(many, "p99"), _median(many, "p50")
    # Whichever of its two ways does better.
    rates = max(_median(loads[name, MANY], "per_second") for name in _NAMES[2:])
    theirs = min(_median(loads[name, 1], "p50") for name in _NAMES[2:])
    return table(
        ["ratio", "figure", "target"],
        [
            _ratio("p50 of one connection by the direct call", alone / called, most=2),
            _ratio("rate of 32 connections by direct calls, one at a time", rate / calls, 5),
            _ratio("rate of 32 connections by that of one", rate / _median(one, "per_second"), 5),
            _ratio("p99 by p50, 32 connections", p99 / p50, most=10),
            _ratio("rate by BentoML's, 32 connections", rate / rates, 1),
            _ratio("p50 by BentoML's, one connection", alone / theirs, most=1),
        ],
    )


def _ratio(what: str, figure: float, least: float = 0, most: float = math.inf) -> list[str]:
    target = f"≥ {least:g}" if least else f"≤ {most:g}"
    return [what, f"{figure:.2f}", target if least <= figure <= most else f"{target}: missed"]


def _median(loads: list[Load], figure: str) -> float:
    return statistics.median(getattr(load, figure) for load in loads)


if __name__ == "__main__":
    main()
