"""1.5 million taxi trips on each engine: what its nodes make is what they make in one process.

Each node reads what one process has made, so that the model is the same, too: the last one goes
first, since its run finds the others cached.
"""

import functools
import hashlib
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from beltline.data import taxi
from tests.beltline_process import Beltline
from tests.end_to_end.outputs import DATA_NODES, artifact, assert_same, vocabularies
from tests.end_to_end.projects import Project
from tests.engines.dask_site import Cluster
from tests.engines.job_server import Engine

pytestmark = [pytest.mark.slow, pytest.mark.beam, pytest.mark.timeout(7200)]

TIMES = 100
"""How often the sample of 15,002 trips is repeated."""
_HOUR = 3600
_SETTINGS = (
    *("model.learners=[network]", "training.epochs=1", "training.batch_size=4096"),
    # What the model is worth is not asked.
    "evaluation.thresholds.auc.lower=0.1",
    # The only one at a time: the machine of a test is small.
    "local.max_active_nodes=1",
)
_SET = tuple(word for each in _SETTINGS for word in ("--set", each))
_RECORDS = {"ExampleGen": ("examples",), "Transform": ("transformed_examples",)}


@pytest.fixture(scope="module")
def project(beltline: Beltline, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A root in which one process has run all nodes up to the Evaluator."""
    folder = tmp_path_factory.mktemp("large")
    words = ["-o", str(folder / "taxi.csv"), "--times", str(TIMES)]
    assert CliRunner().invoke(taxi.main, words).exit_code == 0
    project = Project(beltline, folder)
    project.init(folder / "taxi.csv", taxi.LABEL)
    result = project.start("run", *_SET, "--to", "Evaluator").wait(_HOUR)
    assert result.code == 0, result.text
    shutil.copytree(project.root, folder / "base")
    return project


@pytest.fixture(scope="module", params=["dask", "portable"])
def place(
    request: pytest.FixtureRequest,
    project: Project,
    beltline: Beltline,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[str, ...]]:
    """The settings that send all nodes to an engine; the root is that of one process again."""
    shutil.rmtree(project.root)
    shutil.copytree(project.folder / "base", project.root)
    folder = tmp_path_factory.mktemp("engine")
    if request.param == "portable":
        engine = Engine(folder)
        yield engine.on()
        engine.close()
        return
    cluster = Cluster(beltline, folder)
    where = ("beam.runner=dask", f"beam.dask.scheduler={cluster.address}")
    yield tuple(word for each in where for word in ("--set", each))
    cluster.close()


@pytest.mark.parametrize("node", DATA_NODES[::-1])
def test_a_node_makes_the_same(project: Project, place: tuple[str, ...], node: str) -> None:
    words = ("run", *_SET, "--to", node, "--force", node, *place)
    result = project.start(*words).wait(_HOUR)
    assert result.code == 0, result.text
    root = project.root
    for key in _RECORDS.get(node, ()):
        folders = [artifact(root, node, key, first) for first in (True, False)]
        assert folders[0] != folders[1]
        expected, found = map(digests, folders)
        assert found == expected
        # Transform leaves the evaluation split as it is.
        assert sum(count for count, _ in found.values()) > TIMES * 10_000
    if node == "Transform":
        graphs = [artifact(root, node, "transform_graph", first) for first in (True, False)]
        assert vocabularies(graphs[1]) == vocabularies(graphs[0])
    if node not in _RECORDS:
        assert_same(node, root, root, first=True)


# Those of one process are asked for twice, and take minutes.
@functools.cache
def digests(folder: Path) -> dict[str, tuple[int, int]]:
    """How many records each split has, and a digest of them, whatever their order."""
    import tensorflow as tf

    found = {}
    for split in sorted(folder.iterdir()):
        files = sorted(str(each) for each in split.iterdir())
        count = total = 0
        for record in tf.data.TFRecordDataset(files, "GZIP").as_numpy_iterator():
            # The order of an Example's features in a file is of no meaning.
            example = tf.train.Example.FromString(record)
            text = example.SerializeToString(deterministic=True)
            count += 1
            total += int.from_bytes(hashlib.blake2b(text, digest_size=16).digest(), "big")
        found[split.name] = (count, total % 2**128)
    return found
