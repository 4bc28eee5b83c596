"""A database of ML Metadata has one id, and another one another."""

from concurrent.futures import ThreadPoolExecutor

from beltline.runners.metadata.identity import identity
from beltline.runners.metadata.store import Lineage


def test_a_database_keeps_its_id(tmp_path):
    first, other = (f"sqlite:///{tmp_path}/{name}.sqlite" for name in ("first", "other"))
    found = identity(Lineage(first, "line"))
    assert len(found) == 8
    assert identity(Lineage(first, "another-line")) == found
    assert identity(Lineage(other, "line")) != found


def test_nodes_that_begin_at_once_agree(tmp_path):
    lineages = [Lineage(f"sqlite:///{tmp_path}/m.sqlite", "line") for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(identity, lineages))) == 1
