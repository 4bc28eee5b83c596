"""A tiny job on an engine behind a job service: what a worker has, and sees of the root."""

import json
import tempfile
from pathlib import Path

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions

from beltline.base.settings.beam import Portable
from beltline.runners.beam import worker
from beltline.runners.beam.arguments import portable_arguments

_SECONDS = 25


def trial(portable: Portable, root: str) -> dict[str, str]:
    """Returns what a worker has, as `worker.found` does; empty if what it wrote is not here.

    Args:
      portable: the engine.
      root: a folder that the worker should see and may write to.

    Raises:
      EngineLost: the job service can't be reached, or the job did not end in time.
      WrongInput: the worker has another environment.
    """
    arguments = [*portable_arguments(portable), f"--beltline_seconds={_SECONDS}"]
    with tempfile.TemporaryDirectory(prefix=".beltline-check-", dir=root) as folder:
        options = PipelineOptions(arguments)
        with beam.Pipeline(options=options) as pipeline:
            _ = pipeline | beam.Create([folder]) | beam.Map(_answer)
        file = Path(folder, "answer.json")
        return json.loads(file.read_text()) if file.exists() else {}


def _answer(folder: str) -> None:
    if Path(folder).is_dir():
        Path(folder, "answer.json").write_text(json.dumps(worker.found(folder)))
