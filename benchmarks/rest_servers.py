"""The servers that are compared: Beltline's, and BentoML with the same model.

BentoML has an environment of its own, `build/bentoml`, made with uv when it is missing.
"""

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import click
import requests

BENTOML, TENSORFLOW = "1.4.40", "2.21.0"
_ENVIRONMENT = Path("build/bentoml")
_START_SECONDS, _STOP_SECONDS = 120, 30


@dataclass(frozen=True)
class Server:
    """Where a server answers."""

    port: int
    path: str


@contextmanager
def beltline(folder: Path, log: Path, samples: Path | None = None) -> Iterator[Server]:
    """Beltline's server on the versions in `folder`; `samples` is where it writes all requests."""
    port = _free_port()
    options = ["--name", "model", "--folder", str(folder), "--port", str(port)]
    options += ["--requests", str(samples)] if samples else []
    words = [sys.executable, "-m", "beltline.serving", *options]
    with _process(words, {}, log):
        _wait(f"http://127.0.0.1:{port}/readyz", log)
        yield Server(port, "/v1/models/model:predict")


@contextmanager
def bentoml(folder: Path, log: Path) -> Iterator[list[Server]]:
    """BentoML with the SavedModel in `folder`: each request by itself, and joined to batches."""
    _make_environment()
    port = _free_port()
    command = _ENVIRONMENT.absolute() / "bin" / "bentoml"
    words = [str(command), "serve", "benchmarks.bento_service:Model"]
    environment = {"MODEL": str(folder), "BENTOML_DO_NOT_TRACK": "true"}
    with _process([*words, "--host", "127.0.0.1", "--port", str(port)], environment, log):
        _wait(f"http://127.0.0.1:{port}/readyz", log)
        yield [Server(port, path) for path in ("/plain", "/batched")]


def _make_environment() -> None:
    if (_ENVIRONMENT / "bin" / "bentoml").exists():
        return
    uv = shutil.which("uv") or ".venv-tools/bin/uv"
    needs = [f"bentoml=={BENTOML}", f"tensorflow=={TENSORFLOW}"]
    subprocess.run([uv, "venv", "--python", "3.11", str(_ENVIRONMENT)], check=True)
    python = str(_ENVIRONMENT / "bin" / "python")
    subprocess.run([uv, "pip", "install", "--python", python, *needs], check=True)


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@contextmanager
def _process(words: Sequence[str], environment: Mapping[str, str], log: Path) -> Iterator[None]:
    given = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "2", "PYTHONPATH": "."} | dict(environment)
    with log.open("wb") as out:
        process = subprocess.Popen(words, env=given, stdout=out, stderr=subprocess.STDOUT)
        try:
            yield
        finally:
            process.terminate()
            try:
                process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _wait(url: str, log: Path) -> None:
    end = time.monotonic() + _START_SECONDS
    while time.monotonic() < end:
        try:
            if requests.get(url, timeout=5).ok:
                return
        except requests.RequestException:
            pass
        time.sleep(0.2)
    raise click.ClickException(f"{url} doesn't answer: {log.read_text(errors='replace')[-2000:]}")
