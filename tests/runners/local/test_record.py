import os
import signal
import subprocess
import sys
import threading
from contextlib import contextmanager
from pathlib import Path

import pytest

from beltline.base.errors import WrongInput
from beltline.runners.local.record import Record, holder, last_good, next_number, only_run, records

ROOT = Path(__file__).parents[3]
HOLD = """
import os, sys, time
from pathlib import Path
from beltline.runners.local.record import only_run
with only_run(Path(sys.argv[1])):
    {work}
"""


def record(run, name="line", inputs="i1"):
    return Record(run, name, f"bundle of {run}", inputs)


@contextmanager
def another_process(root, work="print('held', os.getpid(), flush=True); sys.stdin.read()"):
    command = [sys.executable, "-c", HOLD.format(work=work), str(root)]
    process = subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        word, number = process.stdout.readline().split()
        assert word == "held"
        yield process, int(number)
    finally:
        process.kill()
        process.communicate()


def test_records_read_back_in_the_order_of_the_runs(tmp_path):
    for run in ("20260102-000000-aa", "20260101-000000-ff"):
        record(run).write(tmp_path)
    assert records(tmp_path) == [record("20260101-000000-ff"), record("20260102-000000-aa")]


def test_a_clock_that_was_set_back_does_not_change_the_order(tmp_path):
    """Else the run before would count as the last one, and its version as up to date."""
    assert next_number(tmp_path) == 1
    before = Record("20260102-000000-aa", "line", "b", "i1", "done", "1", next_number(tmp_path))
    before.write(tmp_path)
    after = Record("20260101-000000-ff", "line", "b", "i2", "done", "2", next_number(tmp_path))
    after.write(tmp_path)
    assert records(tmp_path) == [before, after]
    assert last_good(tmp_path, "line", "i1") is None
    assert last_good(tmp_path, "line", "i2") == after


def test_the_first_run_makes_a_root_that_nobody_else_can_read(tmp_path):
    with only_run(tmp_path / ".beltline"):
        pass
    assert (tmp_path / ".beltline").stat().st_mode & 0o777 == 0o700


def test_without_runs_there_are_none(tmp_path):
    assert records(tmp_path) == []
    assert last_good(tmp_path, "line", "i1") is None


def test_the_end_replaces_the_beginning(tmp_path):
    record("r1").write(tmp_path)
    record("r1").ended("done", "3").write(tmp_path)
    [found] = records(tmp_path)
    assert (found.end, found.version, found.bundle) == ("done", "3", "bundle of r1")
    assert [file.name for file in (tmp_path / "runs").iterdir()] == ["r1.json"]


@pytest.mark.parametrize("text", ["", "{", "[]", '{"run": "r2"}', '{"later": 1}'])
def test_one_that_cannot_be_read_is_passed_over(tmp_path, text):
    record("r1").write(tmp_path)
    (tmp_path / "runs" / "r2.json").write_text(text)
    assert records(tmp_path) == [record("r1")]


def test_the_last_run_is_good_if_it_ended_well_on_the_same_inputs(tmp_path):
    good = record("r1").ended("done", "1")
    good.write(tmp_path)
    assert last_good(tmp_path, "line", "i1") == good
    assert last_good(tmp_path, "line", "i2") is None
    assert last_good(tmp_path, "other", "i1") is None
    record("r2", name="other").ended("failed").write(tmp_path)
    assert last_good(tmp_path, "line", "i1") == good


@pytest.mark.parametrize("end", ["running", "failed", "refused", "stopped"])
def test_a_later_run_that_did_not_end_well_makes_it_no_good(tmp_path, end):
    record("r1").ended("done", "1").write(tmp_path)
    record("r2").ended(end).write(tmp_path)
    assert last_good(tmp_path, "line", "i1") is None


def test_a_second_run_on_the_same_root_is_refused(tmp_path):
    with another_process(tmp_path) as (_, number):
        with pytest.raises(WrongInput, match="a run is in progress") as refused, only_run(tmp_path):
            pass
        assert refused.value.exit_code == 2
        assert f"process {number}" in str(refused.value)
        assert str(tmp_path) in str(refused.value)
        with only_run(tmp_path / "another root"):
            pass


def test_a_run_that_was_killed_does_not_stand_in_the_way(tmp_path):
    with another_process(tmp_path) as (process, _):
        process.kill()
        process.wait()
        with only_run(tmp_path):
            assert holder(tmp_path) == f"process {os.getpid()}"


def test_a_node_that_outlives_its_run_still_holds_the_root(tmp_path):
    work = """child = os.fork()
    print('held', child, flush=True) if child else time.sleep(60)
    sys.stdin.read()"""
    with another_process(tmp_path, work) as (process, child):
        process.kill()
        process.wait()
        try:
            with pytest.raises(WrongInput, match="a run is in progress"), only_run(tmp_path):
                pass
        finally:
            os.kill(child, signal.SIGKILL)


def test_who_holds_the_root(tmp_path):
    assert holder(tmp_path) is None
    with another_process(tmp_path) as (_, number):
        assert holder(tmp_path) == f"process {number}"
    assert holder(tmp_path) is None


def test_to_look_who_holds_it_makes_no_run_fail(tmp_path):
    with only_run(tmp_path):
        pass
    over = threading.Event()

    def look():
        while not over.is_set():
            holder(tmp_path)

    looker = threading.Thread(target=look)
    looker.start()
    try:
        for _ in range(200):
            with only_run(tmp_path):
                pass
    finally:
        over.set()
        looker.join()


def test_a_root_that_cannot_be_written_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(WrongInput, match=r"file is not writable: "), only_run(tmp_path / "file"):
        pass
