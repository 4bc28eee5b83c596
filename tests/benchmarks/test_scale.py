"""The benchmark of Dask's workers: its tables, and what follows from them for larger tables."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.growth import NODES, Point, derived, line, measured_table
from benchmarks.scale import section

SECONDS = {"direct": (2.0, 100e-6), "1 worker": (4.0, 180e-6), "2 workers": (4.0, 90e-6)}


def points(*sides: str) -> list[Point]:
    """Each node takes `a + b * rows` seconds."""
    made = []
    for rows in (100_000, 1_000_000):
        for side in sides:
            start, each = SECONDS[side]
            seconds = dict.fromkeys(NODES, start + each * rows)
            bytes_ = {"csv": 80 * rows, "examples": 30 * rows, "transformed": 20 * rows}
            made.append(Point(rows, side, seconds, seconds, 1000.0, bytes_, "command"))
    return made


def test_the_line_is_the_least_squares_one() -> None:
    found = line(points("direct"), "direct", "Transform")
    assert found
    assert (found.start, found.each * 1e6) == (pytest.approx(2), pytest.approx(100))
    assert found.seconds(10**6, 4) == pytest.approx(27)
    assert line(points("direct"), "1 worker", "Transform") is None
    assert line(points("direct")[:1], "direct", "Transform") is None


def test_ratios_are_to_one_process_and_to_one_worker() -> None:
    text = measured_table(points(*SECONDS), "processor")
    assert "| 1,000,000 | direct | 102.0 | 102.0 | 102.0 | 102.0 | 102.0 | 1,000 |" in text
    # Training is on one machine: its ratio would say nothing.
    two = "94.0 (0.92, 0.51)"
    assert f"| 1,000,000 | 2 workers | {two} | {two} | {two} | 94.0 | {two} | 1,000 |" in text


def test_a_run_may_end_before_the_last_node() -> None:
    made = points("direct", "1 worker")
    part = dict.fromkeys(NODES[:3], 9.0)
    made.append(replace(made[-1], rows=10**7, seconds=part, processor=part))
    text = measured_table(made, "processor")
    assert "| 10,000,000 | 1 worker | 9.0 | 9.0 | 9.0 | - | - | 1,000 |" in text
    evaluator = line(made, "1 worker", "Evaluator")
    assert evaluator and evaluator.each * 1e6 == pytest.approx(180)
    made.append(replace(made[-1], side="2 workers", processor={"ExampleGen": 18.0}))
    assert "| 2 workers | 18.0 (2.00) | - |" in measured_table(made, "processor")


def test_large_tables_follow_from_the_lines() -> None:
    *_, text = derived(points(*SECONDS))
    # 4 data nodes: direct 4 (2 + 100), core-hours 4 · 180 s per million; 16 s of 3,600 are starts.
    assert "| 1,000,000 | 0.1 | 0.1 | 0.11 | 0.20 | $0.01 | 1 | 0.03 | ExampleGen |" in text
    most = "| 800.0 | 500.0 | 1,111.11 | 2,000.00 | $100.00 | 2,009 | 277.78 | Trainer |"
    assert f"| 10,000,000,000 {most}" in text


def test_bytes_are_those_of_the_largest_table_that_has_all_of_them() -> None:
    made = points(*SECONDS)
    early = replace(made[-1], rows=10**7, processor={}, seconds={}, bytes={"csv": 1})
    assert derived([*made, early]) == derived(made)


def test_nothing_follows_from_one_size_or_one_side() -> None:
    assert derived(points("direct")) == []
    assert derived(points(*SECONDS)[:3]) == []
    assert "`command`; 2" in section(points(*SECONDS)[:3])


def test_nothing_follows_where_starting_outweighs_the_rows() -> None:
    """`a = 2` and `b = 100e-6`: they are equal at 20,000 rows."""
    few = [replace(each, rows=each.rows // 60) for each in points(*SECONDS)]
    few = [replace(each, processor=dict.fromkeys(NODES, 2.0 + 100e-6 * each.rows)) for each in few]
    [text] = derived(few)
    assert "does not follow from 16,666 rows" in text


@pytest.mark.slow
@pytest.mark.beam
def test_all_of_it_on_a_small_table(tmp_path: Path) -> None:
    measured, page = tmp_path / "measured.json", tmp_path / "page.md"
    command = [sys.executable, "-m", "benchmarks.scale", "--rows", "2000", "--side", "direct"]
    command += ["--side", "1 worker", "--measured", str(measured), "-o", str(page)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    found = json.loads(measured.read_text())
    assert [each["side"] for each in found] == ["direct", "1 worker"]
    assert all(each["mib"] > 100 and min(each["bytes"].values()) > 0 for each in found)
    assert "| 2,000 | 1 worker |" in page.read_text()
