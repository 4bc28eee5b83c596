"""How fast the network trains on a GPU: by batch size, members and precision, against a floor.

    python -m benchmarks.gpu [-o benchmarks/RESULTS.md] [--json gpu.json]

For a machine that is borrowed for minutes: it needs this checkout, Keras, and JAX or TensorFlow
(without a network, bring the wheels of keras, namex and optree). It ends after `--seconds`, and
says in words what was not measured. Each library has a process of its own, see `gpu_steps.py`.
"""

import argparse
import importlib.util
import itertools
import json
import os
import platform
import shlex
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks import pages
from benchmarks.gpu_steps import AHEAD, ROUNDS, TOGETHER

ROOT = Path(__file__).parents[1]
NAMES = {"jax": "JAX", "xgboost": "XGBoost", "tensorflow": "TensorFlow"}
RESERVED = {"xgboost": 40, "tensorflow": 60}
"""Seconds that are kept for a library while those before it are measured."""
EPOCHS = 16
"""The Trainer's passes over many rows."""

Record = dict[str, Any]
"""A library with its device, a case's timings, or why there are none (`failed`)."""


def main() -> None:
    """Measure, and show what was measured."""
    options = parser().parse_args()
    records = measured(options)
    if options.json:
        options.json.write_text(json.dumps(records, indent=1), encoding="utf-8")
    command = shlex.join(["python", "-m", "benchmarks.gpu", *sys.argv[1:]])
    text = section(records, options.rows, command)
    print(text)
    if options.output:
        pages.replace(options.output, "gpu", text)


def parser() -> argparse.ArgumentParser:
    """Returns the options; what comes first in a list is measured first."""
    options = argparse.ArgumentParser(
        description="Measure training steps on a GPU, against their matrix products alone."
    )
    options.add_argument("-o", "--output", type=Path, help="replace the section in this file")
    options.add_argument("--json", type=Path, help="write all timings to this file")
    options.add_argument("--seconds", type=float, default=270, help="when to end (270)")
    options.add_argument("--rows", type=int, default=1_500_000, help="rows in all (1,500,000)")
    options.add_argument("--batch", type=int, nargs="+", default=[4096, 65536, 16384, 1024])
    options.add_argument("--members", type=int, nargs="+", default=[8, 1])
    options.add_argument("--precision", nargs="+", default=["mixed_bfloat16", "float32"])
    return options


def measured(options: argparse.Namespace) -> list[Record]:
    """Measures with each library that is there, one after another."""
    end = time.monotonic() + options.seconds
    there = [name for name in NAMES if not lacking(name)]
    records: list[Record] = [
        {"library": name, "failed": f"not installed: {', '.join(lacking(name))}"}
        for name in NAMES
        if name not in there
    ]
    cases = [
        list(case) for case in itertools.product(options.batch, options.members, options.precision)
    ]
    for place, name in enumerate(there):
        kept = sum(RESERVED[later] for later in there[place + 1 :])
        plan = {"rows": options.rows, "cases": [] if name == "xgboost" else cases}
        found = in_process(name, plan, end - time.monotonic() - kept)
        reached = [each.get("case") for each in found]
        found += [
            {"case": each, "failed": "not reached"} for each in plan["cases"] if each not in reached
        ]
        records += [{"library": name, **each} for each in found]
    return records


def lacking(library: str) -> list[str]:
    """Returns the packages that are not installed, of those that a library is measured with."""
    needed = [library] if library == "xgboost" else [library, "keras"]
    return [name for name in needed if not importlib.util.find_spec(name)]


def in_process(library: str, plan: Record, seconds: float) -> list[Record]:
    """Returns what a process measured until its end, or until its time was up."""
    places = os.pathsep.join([str(ROOT / "src"), str(ROOT), os.environ.get("PYTHONPATH", "")])
    environment = os.environ | {
        "KERAS_BACKEND": library,
        "PYTHONPATH": places,
        "TF_CPP_MIN_LOG_LEVEL": "3",
    }
    command = [sys.executable, "-m", "benchmarks.gpu_steps", json.dumps(plan)]
    ended = []
    with tempfile.TemporaryFile("w+", encoding="utf-8") as out:
        try:
            subprocess.run(
                command, env=environment, stdout=out, timeout=max(seconds, 1), check=True
            )
        except subprocess.CalledProcessError as error:
            ended = [{"failed": f"ended with {error.returncode}; its last words are above"}]
        except subprocess.TimeoutExpired:
            ended = [{"failed": f"stopped after {max(seconds, 1):.0f} s"}]
        out.seek(0)
        # A line that was being written when the time was up has no end.
        return [*(json.loads(line) for line in out if line.endswith("\n")), *ended]


def section(records: list[Record], rows: int, command: str) -> str:
    """Returns the section of RESULTS.md.

    Args:
      records: what `measured` returned.
      rows: of the table.
      command: what measured them.
    """
    parts = [
        "## Training on a GPU",
        f"`{command}`; {time.strftime('%Y-%m-%d')}. {_machine(records)}.",
        f"Milliseconds of one training step, {TOGETHER} of them in a call. In the first column of "
        "times the device has the batches already; fed, they are gathered from "
        f"{rows:,} rows in the host's memory by {AHEAD} threads, ahead of the steps, and copied: "
        "the input's share is what this adds. The floor is the matrix products of the step alone, "
        "forward and backward. float32 is the library's own, which may round products to TF32. "
        f"{EPOCHS} epochs are those of the fed steps, without validation.",
    ]
    for library, name in NAMES.items():
        lines = [
            _line(each) for each in records if each["library"] == library and "step_ms" in each
        ]
        if lines:
            parts += [f"{name}:", pages.table(_HEAD, lines)]
    parts += [
        f"XGBoost, {ROUNDS} rounds of its defaults on the same rows, on {each['device']}: "
        f"{each['rounds_s']:.1f} s."
        for each in records
        if "rounds_s" in each
    ]
    return "\n\n".join([*parts, _not_measured(records)])


_HEAD = (
    *("rows a step", "members", "precision", "step, ms", "floor, ms", "ratio", "floor, TFLOP/s"),
    *("fed, ms", "input's share", f"{EPOCHS} epochs, s", "compiling, s"),
)


def _line(record: Record) -> list[str]:
    size, members, precision = record["case"]
    step, floor, fed = (record[f"{name}_ms"] for name in ("step", "floor", "fed"))
    return [
        f"{size:,}",
        str(members),
        _short(precision),
        f"{step:.3f}",
        f"{floor:.3f}",
        f"{step / floor:.1f}",
        f"{record['floor_tflops']:.3g}",
        f"{fed:.3f}",
        f"{max(0, 1 - step / fed):.0%}",
        f"{EPOCHS * record['epoch_s']:.1f}",
        f"{record['compile_s']:.1f}",
    ]


def _short(precision: str) -> str:
    return precision.removeprefix("mixed_")


def _machine(records: list[Record]) -> str:
    """Returns the devices and the versions, each once."""
    started = [each for each in records if "versions" in each]
    words = [word for each in started for word in (each["device"], *each["versions"])]
    return ", ".join(dict.fromkeys([*words, f"Python {platform.python_version()}"]))


def _not_measured(records: list[Record]) -> str:
    """Returns in words what was not measured, and why; cases of the same reason in one line."""
    reasons: dict[tuple[str, str], list[str]] = {}
    for each in records:
        if each.get("device") == "cpu":
            reasons[NAMES[each["library"]], "found no GPU; the timings are the CPU's"] = []
        if "failed" in each:
            cases = reasons.setdefault((NAMES[each["library"]], each["failed"]), [])
            if "case" in each:
                size, members, precision = each["case"]
                cases.append(f"{size:,} and {members} in {_short(precision)}")
    lines = [
        f"- {name}: {reason}{': ' if cases else ''}{', '.join(cases)}."
        for (name, reason), cases in reasons.items()
    ]
    if not lines:
        return "Everything was measured."
    return "\n".join(["Not measured (rows a step and members):", "", *lines])


if __name__ == "__main__":
    main()
