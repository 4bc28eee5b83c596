"""A tiny job through a job service to a worker of our pool: Beam's own service for one machine.

Whole runs, on Prism, are in tests/engines/.
"""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from beltline.base.settings.beam import Portable

pytestmark = pytest.mark.slow  # TFX takes seconds to import.
_SERVICE = "apache_beam.runners.portability.local_job_service_main"


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Portable]:
    folder = tmp_path_factory.mktemp("engine")
    file, log = folder / "port", folder / "pool.log"
    service = subprocess.Popen([sys.executable, "-m", _SERVICE, "-p", "0", "--port_file", file])
    with log.open("w") as out:
        words = [sys.executable, "-m", "beltline.runners.beam.pool", "--port", "0"]
        pool = subprocess.Popen(words, stdout=out, stderr=out)
    try:
        while not (file.exists() and "worker pool at" in log.read_text()):
            assert service.poll() is None and pool.poll() is None, log.read_text()
            time.sleep(0.1)
        workers = log.read_text().partition("worker pool at ")[2].partition(";")[0]
        yield Portable(endpoint=f"127.0.0.1:{file.read_text()}", workers=workers)
    finally:
        for process in (service, pool):
            # Who starts the tests may ignore SIGINT, and so would these processes.
            process.terminate()
            process.wait(30)


def test_a_worker_of_the_pool_answers(engine: Portable, tmp_path: Path) -> None:
    from beltline.runners.beam import worker
    from beltline.runners.beam.trial import trial

    found = trial(engine, str(tmp_path))
    assert found == {**worker.found(str(tmp_path)), "root": "writable"}
    assert list(tmp_path.iterdir()) == []


def test_an_error_of_ours_comes_back_as_it_was(engine: Portable) -> None:
    import apache_beam as beam
    from apache_beam.options.pipeline_options import PipelineOptions

    from beltline.base.errors import GateRefused
    from beltline.runners.beam.arguments import portable_arguments

    def refuse(number: int) -> None:
        raise GateRefused(f"{number} of {os.getpid()}")

    options = PipelineOptions(portable_arguments(engine))
    with (
        pytest.raises(GateRefused, match=r"^17 of \d+$") as caught,
        beam.Pipeline(options=options) as pipeline,
    ):
        _ = pipeline | beam.Create([17]) | beam.Map(refuse)
    assert str(os.getpid()) not in str(caught.value)


def test_nobody_answers(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from beltline.runners.beam import portable
    from beltline.runners.beam.trial import trial

    monkeypatch.setattr(portable, "_CONNECT_SECONDS", 0.5)
    nobody = Portable(endpoint="127.0.0.1:9", workers="127.0.0.1:9")
    with pytest.raises(portable.EngineLost, match=r"no Beam job service answers at 127.0.0.1:9: "):
        trial(nobody, str(tmp_path))


def test_another_environment_is_refused() -> None:
    import json

    from beltline.runners.beam import harness, worker

    parameters = {"environment": json.dumps({**worker.found(), "lock": "0"})}
    assert "differs in the locked requirements" in str(harness.problem_of(parameters))
    assert isinstance(harness.problem_of({}), KeyError)
