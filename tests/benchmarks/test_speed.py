"""The benchmark itself, once, on a few hundred trips: real pipelines on both sides."""

from pathlib import Path

import pytest

from benchmarks.results import Size
from benchmarks.sides import write_rows
from benchmarks.speed import repeat, section

COMPUTING = ["ExampleGen", "StatisticsGen", "Transform", "Trainer", "Evaluator", "ServingCheck"]


@pytest.mark.slow
@pytest.mark.long
def test_every_figure_comes_out(tmp_path: Path) -> None:
    rows = write_rows("600", tmp_path / "600")
    size = Size(rows.name, rows.number)
    roots = tmp_path / "roots"
    roots.mkdir()
    repeat(rows, size, roots, ("cold", "unchanged"))

    assert set(size.whats()) == {"cold", "ExampleGen", "unchanged"}
    assert all(len(seconds) == 1 and seconds[0] > 0 for seconds in size.seconds.values())
    # The whole command is the nodes and more; and what is unchanged is not run again.
    assert size.median("cold", "ours") > size.nodes["Trainer"][0]
    assert "no changes since run" in (roots / "ours-unchanged.log").read_text()
    assert all(200 < size.most_mib(side) < 8192 for side in ("ours", "stock"))
    assert list(size.bare) == COMPUTING
    assert "Pusher" in size.nodes and "Champion" in size.nodes

    text = section([size], 1, "make bench")
    for node in COMPUTING:
        assert f"| {node} | {size.nodes[node][0]:.2f} / {size.bare[node][0]:.2f} = " in text
    assert f"| first run | 600 | {size.seconds['cold', 'ours'][0]:.1f} |" in text
