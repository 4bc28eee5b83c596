"""`kill -9` of a worker, the scheduler and the driver, at seeded moments in each of the data nodes.

Each case is a line of a table, which `make test-beam PYTEST=-s` shows.
"""

import random
import time
from collections.abc import Iterator

import pytest

from tests.beltline_process import Beltline
from tests.end_to_end.outputs import DATA_NODES, assert_same
from tests.engines.dask_site import Site

pytestmark = [pytest.mark.slow, pytest.mark.beam]
KINDS = ("worker", "scheduler", "driver")
SEEDS = 30
SAID = {
    "scheduler": ("the connection to the Dask scheduler at", "no Dask scheduler answers at"),
    "driver": ("its process was killed",),
}


@pytest.fixture(scope="module")
def site(beltline: Beltline, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    made = Site(beltline, tmp_path_factory.mktemp("site"))
    yield made
    made.cluster.close()


@pytest.fixture(scope="module", autouse=True)
def heading() -> None:
    print("\n| seed | node | killed | after, s | the run | rerun | s |")
    print("|---" * 7 + "|", flush=True)


@pytest.mark.parametrize("seed", range(SEEDS))
def test_a_kill(seed: int, site: Site) -> None:
    node, kind = DATA_NODES[seed % len(DATA_NODES)], KINDS[seed % len(KINDS)]
    site.reset()
    moment = random.Random(seed).uniform(0.05, 0.85) * site.seconds(node)  # noqa: S311 - a moment
    begun = time.monotonic()
    call = site.start(node)
    time.sleep(moment)
    in_time = site.kill(kind, call)
    result = call.wait(120)
    again = ""
    if result.code:
        assert result.code == 1, result.text
        assert f"{node} failed" in result.err
        assert any(words in result.err for words in SAID.get(kind, ())), result.text
        site.cluster.mend()
        rerun = site.run(node)
        assert rerun.code == 0, rerun.text
        again = "completed"
    ended = "failed" if result.code else "completed" if in_time else "had ended"
    seconds = time.monotonic() - begun
    cells = (seed, node, kind, f"{moment:.1f}", ended, again, f"{seconds:.0f}")
    print(f"| {' | '.join(map(str, cells))} |", flush=True)
    assert_same(node, site.project.root, site.project.root, first=True)
    assert site.leftovers(node) == []
