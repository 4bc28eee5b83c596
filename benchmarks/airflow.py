"""A full run under Airflow against the same run by the local runner, on the same machine.

`make airflow` in one terminal; in another, with the login in `BELTLINE_AIRFLOW` (docs/airflow.md),
`python -m benchmarks.airflow -o benchmarks/RESULTS.md`. Each run has a pipeline name and a root of
its own, so that nothing is cached and there is no champion; Airflow's last one is run once more,
with everything cached.
"""

import contextlib
import os
import shlex
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from beltline.runners.airflow.api import AirflowApi
from benchmarks import pages
from benchmarks.machine import describe
from benchmarks.pages import table

_PARSE_SECONDS = 120
_RUN_SECONDS = 1200


Seconds = dict[str, list[float]]
"""Those of each run, by kind; `beltline run` is the first kind."""


@click.command()
@click.option("-f", "--file", type=Path, default=Path("pipeline.yaml"), help="The settings.")
@click.option("--dags", type=Path, default=Path("build/airflow"), help="Airflow's DAG folder.")
@click.option("--repeats", default=3, help="Runs of each kind.")
@click.option("-o", "--output", type=Path, help="Replace the section in this Markdown file.")
def main(file: Path, dags: Path, repeats: int, output: Path | None) -> None:
    """Compare Airflow with the local runner."""
    site = AirflowApi.from_environment()
    stamp = time.strftime("%H%M%S")
    seconds: Seconds = {"`beltline run`": [], "Airflow, no warm worker": [], "Airflow, warm": []}
    local, *there = seconds
    cached: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        for number in range(repeats):
            seconds[local].append(_local(file, Path(folder) / f"local{number}"))
            _end_workers()
            for kind in there:
                name = f"bench_{stamp}_{number}_{there.index(kind)}"
                with _Bench(site, dags, file, name, Path(folder)) as bench:
                    seconds[kind].append(bench.run())
                    cached = bench.cached()
            line = "  ".join(f"{kind} {each[-1]:.1f} s" for kind, each in seconds.items())
            click.echo(line, err=True)
    words = shlex.join(["python", "-m", "benchmarks.airflow", *sys.argv[1:]])
    text = section(seconds, cached, words)
    pages.put("airflow", text, output)


def section(seconds: Seconds, cached: dict[str, Any], command: str) -> str:
    """Returns the section of RESULTS.md.

    Args:
      seconds: of each full run, by kind.
      cached: of the last run once more: `wall` seconds, `per_node`, and those of `tasks` by node.
      command: what measured them.
    """
    local = statistics.median(next(iter(seconds.values())))
    lines = [
        [
            kind,
            ", ".join(f"{second:.1f}" for second in each),
            f"{statistics.median(each):.1f}",
            f"{statistics.median(each) / local:.2f}",
        ]
        for kind, each in seconds.items()
    ]
    tasks = ", ".join(f"{node} {took:.1f}" for node, took in cached["tasks"].items())
    return "\n\n".join(
        [
            "## Airflow against the local runner",
            f"`{command}`; {time.strftime('%Y-%m-%d')}. {describe()}.",
            "Full runs with nothing cached, by turns, beside `make airflow` (SQLite for both "
            "databases). `beltline run` imports TFX and compiles within its time; for Airflow "
            "compiling was done before. The ratio is the median's to that of `beltline run`.",
            table(["run", "seconds of each", "median", "ratio"], lines),
            f"The last run once more took {cached['wall']:.1f} s, {cached['per_node']:.2f} s for "
            f"each node; seconds of each task: {tasks}. The Evaluator runs again, since there is a "
            "champion now.",
        ]
    )


def _local(file: Path, root: Path) -> float:
    """Returns the seconds of `beltline run` in a root of its own."""
    environment = os.environ | {"BELTLINE_ROOT": str(root)}
    words = [sys.executable, "-m", "beltline.runners.cli", "run", "-f", str(file)]
    started = time.monotonic()
    subprocess.run(words, env=environment, check=True, capture_output=True)
    return time.monotonic() - started


class _Bench:
    """A pipeline of its own in the DAG folder, gone again afterwards."""

    def __init__(self, site: AirflowApi, dags: Path, file: Path, name: str, folder: Path):
        self._site, self._folder, self._name = site, dags / name, name
        settings = {"name": name, "airflow.root": str(folder / name)}
        changes = [word for key, value in settings.items() for word in ("--set", f"{key}={value}")]
        words = ["compile", "airflow", "-f", str(file), "-o", str(self._folder), *changes]
        command = [sys.executable, "-m", "beltline.runners.cli", *words]
        subprocess.run(command, check=True, capture_output=True)

    def __enter__(self) -> "_Bench":
        path = f"dags/{self._name}"
        _wait(lambda: self._site.answer(path).ok, _PARSE_SECONDS)
        self._site.ask(path, "PATCH", is_paused=False)
        return self

    def __exit__(self, *_: object) -> None:
        shutil.rmtree(self._folder)
        self._site.answer(f"dags/{self._name}", "DELETE")

    def run(self) -> float:
        """Runs it and returns the seconds from asking for it to its end."""
        started = time.monotonic()
        self._last = self._site.ask(f"dags/{self._name}/dagRuns", "POST", logical_date=None)
        path = f"dags/{self._name}/dagRuns/{self._last['dag_run_id']}"

        def ended() -> bool:
            return self._site.ask(path)["state"] in ("success", "failed")

        _wait(ended, _RUN_SECONDS)
        if self._site.ask(path)["state"] != "success":
            raise click.ClickException(f"{self._name}: the run failed; look at it in Airflow")
        return time.monotonic() - started

    def cached(self) -> dict[str, Any]:
        """Runs it once more: wall seconds, those of each task, and the wall's share of a node."""
        wall = self.run()
        path = f"dags/{self._name}/dagRuns/{self._last['dag_run_id']}/taskInstances"
        tasks = self._site.ask(path)["task_instances"]
        took = {task["task_id"]: _seconds(task["start_date"], task["end_date"]) for task in tasks}
        return {"wall": wall, "tasks": took, "per_node": wall / len(tasks)}


def _seconds(start: str, end: str) -> float:
    return (datetime.fromisoformat(end) - datetime.fromisoformat(start)).total_seconds()


def _wait(done: Callable[[], bool], seconds: float) -> None:
    until = time.monotonic() + seconds
    while not done():
        if time.monotonic() > until:
            raise click.ClickException(f"waited {seconds:.0f} s in vain")
        time.sleep(0.2)


def _end_workers() -> None:
    """Ends this environment's warm workers, so that the next run has to start one."""
    wanted = [sys.executable.encode(), b"-m", b"beltline.runners.warm.worker"]
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if (entry / "cmdline").read_bytes().split(b"\0")[:3] == wanted:
                os.kill(int(entry.name), signal.SIGTERM)


if __name__ == "__main__":
    main()
