"""Forked processes side by side; in a process of its own, since that is one that may be forked."""

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

# They wait for processes that take their time.
pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[3]
BEGIN = """\
import json, os, signal, sys, time
from pathlib import Path
from beltline.base.errors import WrongInput
from beltline.runners.local import children
from beltline.runners.local.children import Children, RunStopped, in_child

def sleep(seconds, answer=""):
    def work():
        time.sleep(seconds)
        return answer
    return work

def until_stopped(folder):
    def work():
        def note(*_):
            Path(folder, str(os.getpid())).touch()
            sys.exit(1)
        signal.signal(signal.SIGTERM, note)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        Path(folder, f"{os.getpid()}.up").touch()
        time.sleep(60)
    return work

def up(number):
    while len(list(Path(sys.argv[1]).glob("*.up"))) < number:
        time.sleep(0.02)
"""


def run(tmp_path, program):
    done = subprocess.run(
        [sys.executable, "-c", BEGIN + program, str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_they_work_side_by_side_and_answer_as_they_end(tmp_path):
    began = time.monotonic()
    program = """
with Children() as at_work:
    for number in (3, 1, 2):
        at_work.start(str(number), sleep(number / 2, f"answer {number}"))
    names = at_work.names
    found = [at_work.next() for _ in names]
    print(json.dumps([names, found, at_work.names]))
"""
    names, found, left = run(tmp_path, program)
    assert names == ["3", "1", "2"]
    assert found == [["1", "answer 1"], ["2", "answer 2"], ["3", "answer 3"]]
    assert left == []
    assert time.monotonic() - began < 2.9


def test_it_is_not_waited_longer_for_one_than_asked(tmp_path):
    program = """
with Children() as at_work:
    at_work.start("slow", sleep(1, "slow"))
    print(json.dumps([at_work.next(0.1), at_work.names, at_work.next(30)]))
"""
    assert run(tmp_path, program) == [None, ["slow"], ["slow", "slow"]]


def test_one_that_is_killed_has_no_answer_and_the_others_go_on(tmp_path):
    program = """
with Children() as at_work:
    at_work.start("killed", lambda: os.kill(os.getpid(), signal.SIGKILL))
    at_work.start("raised", lambda: 1 / 0)
    at_work.start("well", sleep(0.5, "well"))
    print(json.dumps(dict(at_work.next() for _ in range(3))))
"""
    assert run(tmp_path, program) == {"killed": "", "raised": "", "well": "well"}


def test_wrong_input_is_raised_here_and_ends_the_others(tmp_path):
    program = """
def wrong():
    up(1)
    raise WrongInput("the settings")
try:
    with Children() as at_work:
        at_work.start("long", until_stopped(sys.argv[1]))
        at_work.start("wrong", wrong)
        at_work.next()
except WrongInput as error:
    print(json.dumps([str(error), len(list(Path(sys.argv[1]).glob("*[0-9]")))]))
"""
    assert run(tmp_path, program) == ["the settings", 1]


@pytest.mark.parametrize("number", ["SIGTERM", "SIGINT"])
def test_a_signal_goes_to_all_of_them(tmp_path, number):
    program = f"""
try:
    with Children() as at_work:
        for name in "abc":
            at_work.start(name, until_stopped(sys.argv[1]))
        up(3)
        os.kill(os.getpid(), signal.{number})
        at_work.next()
except RunStopped as error:
    stopped = len(list(Path(sys.argv[1]).glob("*[0-9]")))
    print(json.dumps([str(error), error.exit_code, stopped, at_work.names]))
"""
    assert run(tmp_path, program) == [f"stopped by {number}", 130, 3, []]


def test_a_signal_while_none_is_at_work_lets_none_begin(tmp_path):
    program = """
try:
    with Children() as at_work:
        os.kill(os.getpid(), signal.SIGTERM)
        at_work.start("late", sleep(60))
except RunStopped as error:
    print(json.dumps(str(error)))
"""
    assert run(tmp_path, program) == "stopped by SIGTERM"


def test_who_does_not_hear_is_killed(tmp_path):
    program = """
children.GRACE_SECONDS = 1
def deaf():
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    Path(sys.argv[1], "deaf.up").touch()
    time.sleep(60)
with Children() as at_work:
    at_work.start("deaf", deaf)
    up(1)
    began = time.monotonic()
    print(json.dumps([list(at_work.stop()), time.monotonic() - began < 5]))
"""
    assert run(tmp_path, program) == [["deaf"], True]


def test_some_are_stopped_and_the_others_go_on(tmp_path):
    program = """
with Children() as at_work:
    at_work.start("long", until_stopped(sys.argv[1]))
    at_work.start("well", sleep(1, "well"))
    up(1)
    stopped = at_work.stop(["long", "gone"])
    print(json.dumps([list(stopped), at_work.names, at_work.next()]))
"""
    assert run(tmp_path, program) == [["long"], ["well"], ["well", "well"]]


def test_handlers_are_as_before_afterwards(tmp_path):
    program = """
before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
answer = in_child(sleep(0, "done"))
after = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
print(json.dumps([answer, before == after]))
"""
    assert run(tmp_path, program) == ["done", True]
