"""A cluster of two workers, and what the node runner would hand to the Trainer for it.

Fixtures for those that ask for them by importing them into their `conftest.py`.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.beam_on_dask.dask_processes import Cluster


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    """One whose processes a test may kill."""
    made = Cluster(tmp_path)
    yield made
    made.close()


@pytest.fixture(scope="package")
def code(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The model code, as a bundle has it."""
    from beltline.bundle.code import archive
    from beltline.pipeline.model_code import model_sources
    from beltline.pipeline.settings.reading import read_project

    settings = ["training.workers=2", "model.learners=[network,trees]"]
    root = Path(__file__).parents[2]
    file = tmp_path_factory.mktemp("code") / "code.zip"
    file.write_bytes(archive(model_sources(read_project(root / "pipeline.yaml", settings))))
    return file


@pytest.fixture
def processes(cluster: Cluster, code: Path, tmp_path: Path) -> Iterator[Callable[..., Any]]:
    """Starts processes on the cluster, after those before have ended."""
    from beltline.base.settings.beam import Beam
    from beltline.runners.training.place import starter

    beam = Beam.model_validate({"runner": "dask", "dask": {"scheduler": cluster.address}})
    start = starter(beam, code, str(tmp_path))
    with ExitStack() as stack:

        def started(number: int, factory: str) -> Any:
            stack.close()
            return stack.enter_context(start(number, factory))

        yield started
