"""Requests from wrk (Debian's package `wrk`), which takes little of the machine that it shares.

Only to 127.0.0.1, for a bounded time.
"""

import json
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

_UNITS = {"us": 1e-3, "ms": 1.0, "s": 1e3, "m": 6e4}


@dataclass(frozen=True)
class Load:
    """What a server did under load: milliseconds of a request, requests a second, bad answers."""

    p50: float
    p99: float
    per_second: float
    failed: int


def drive(port: int, path: str, body: Any, connections: int, seconds: int) -> Load:
    """Sends the same request over and over, each connection one after the other.

    Raises:
      click.ClickException: wrk isn't installed, or found no server.
    """
    wrk = shutil.which("wrk")
    if wrk is None:
        raise click.ClickException("wrk is not installed: apt-get install wrk")
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "request.lua"
        script.write_text(_script(body), encoding="utf-8")
        url = f"http://127.0.0.1:{port}{path}"
        words = [wrk, "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "30s", "--latency"]
        done = subprocess.run(
            [*words, "-s", str(script), url], capture_output=True, text=True, check=False
        )
    if done.returncode:
        raise click.ClickException(f"wrk: {done.stdout}{done.stderr}")
    return read(done.stdout)


def _script(body: Any) -> str:
    return (
        'wrk.method = "POST"\n'
        'wrk.headers["Content-Type"] = "application/json"\n'
        f"wrk.body = [==[{json.dumps(body)}]==]\n"
    )


def read(text: str) -> Load:
    """Reads what wrk prints."""
    bad = re.search(r"Non-2xx or 3xx responses: (\d+)", text)
    lost = re.search(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", text)
    return Load(
        p50=_milliseconds(text, "50%"),
        p99=_milliseconds(text, "99%"),
        per_second=float(_found(r"Requests/sec: +([\d.]+)", text)[1]),
        failed=sum(map(int, [*(bad.groups() if bad else ()), *(lost.groups() if lost else ())])),
    )


def _milliseconds(text: str, percentile: str) -> float:
    found = _found(rf"^ +{percentile} +([\d.]+)(us|ms|s|m) *$", text)
    return float(found[1]) * _UNITS[found[2]]


def _found(pattern: str, text: str) -> re.Match[str]:
    found = re.search(pattern, text, re.MULTILINE)
    if found is None:
        raise click.ClickException(f"wrk has printed something else than expected:\n{text}")
    return found
