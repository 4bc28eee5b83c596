"""`kill -9` of a worker, the scheduler and the driver, at seeded moments in each of the data nodes.

Each case is a line of a table, which `make test-beam PYTEST=-s` shows.
"""

import random
import time
from collections.abc import Iterator

import pytest

from tests.beltline_process import Beltline, Call
from tests.end_to_end.outputs import DATA_NODES, assert_same
from tests.engines.dask_site import Site

pytestmark = [pytest.mark.slow, pytest.mark.beam]
KINDS = ("worker", "scheduler", "driver")
SEEDS = 30
SAID = {
    # Files were published already.
    "worker": ("a worker was lost at the end",),
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


def in_time(site: Site, node: str, kind: str, moment: float) -> tuple[Call, float]:
    """Starts a node and kills a process at a moment, or sooner if the node had ended by then."""
    for _ in range(5):
        site.reset()
        call = site.start(node)
        time.sleep(moment)
        if site.kill(kind, call):
            return call, moment
        call.wait(120)
        moment *= 0.6
    raise AssertionError(f"{node} has always ended before")


@pytest.mark.parametrize("seed", range(SEEDS))
def test_a_kill(seed: int, site: Site) -> None:
    node, kind = DATA_NODES[seed % len(DATA_NODES)], KINDS[seed % len(KINDS)]
    moment = random.Random(seed).uniform(0.05, 0.85) * site.seconds(node)  # noqa: S311 - a moment
    begun = time.monotonic()
    call, moment = in_time(site, node, kind, moment)
    result = call.wait(120)
    again = ""
    if result.code:
        assert result.code == 1, result.text
        assert f"{node} failed" in result.err
        assert any(words in result.err for words in SAID[kind]), result.text
        site.cluster.mend()
        rerun = site.run(node)
        assert rerun.code == 0, rerun.text
        again = "completed"
    ended = "failed" if result.code else "completed"
    seconds = time.monotonic() - begun
    cells = (seed, node, kind, f"{moment:.1f}", ended, again, f"{seconds:.0f}")
    print(f"| {' | '.join(map(str, cells))} |", flush=True)
    assert_same(node, site.project.root, site.project.root, first=True)
    assert site.leftovers(node) == []
