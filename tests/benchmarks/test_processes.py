"""A process is measured with its children, and a failure is said."""

import subprocess
import sys
import time
from pathlib import Path

import click
import pytest

from benchmarks.processes import ProcessorTime, measure

MIB = 100
HOLD = f"held = bytearray(b'x') * ({MIB} << 20); import time; time.sleep(0.6)"
IN_CHILD = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {HOLD!r}])"
FORKED = f"held = bytearray(b'x') * ({MIB} << 20); import os, time; os.fork(); time.sleep(0.6)"


@pytest.mark.slow
@pytest.mark.parametrize("code", [HOLD, IN_CHILD, FORKED], ids=["own", "child's", "shared"])
def test_memory_is_that_of_the_tree_and_shared_pages_count_once(tmp_path: Path, code: str) -> None:
    cost = measure([sys.executable, "-c", code], {}, tmp_path / "log")
    assert MIB <= cost.mib < 2 * MIB
    assert 0.6 <= cost.seconds < 10


@pytest.mark.slow
def test_processor_time_is_that_of_descendants_within_the_times() -> None:
    code = "import time\nwhile time.process_time() < 1.0: pass"
    with ProcessorTime() as spent:
        time.sleep(0.6)
        begun = time.time()
        subprocess.run([sys.executable, "-c", code], check=True)
        ended = time.time() + 1
        time.sleep(1)
    # Between what it has seen it interpolates.
    assert spent.between(begun, ended) == pytest.approx(1, abs=0.3)
    assert spent.between(begun - 5, begun - 0.3) == pytest.approx(0, abs=0.3)


def test_the_environment_is_laid_over_ours_and_the_output_kept(tmp_path: Path) -> None:
    code = "import os; print(os.environ['WORD'], 'PATH' in os.environ)"
    measure([sys.executable, "-c", code], {"WORD": "here"}, tmp_path / "log")
    assert (tmp_path / "log").read_text() == "here True\n"


def test_a_failure_shows_the_end_of_the_log(tmp_path: Path) -> None:
    code = "raise SystemExit('no room left')"
    with pytest.raises(click.ClickException, match=r"exit code 1 of .*\n.*no room left"):
        measure([sys.executable, "-c", code], {}, tmp_path / "log")
