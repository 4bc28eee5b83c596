"""A push that is killed: at any step the folder is whole, and the next push sets all right."""

import multiprocessing
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from beltline.versions import tensorflow_serving
from beltline.versions.live import live, promote
from beltline.versions.push import push
from tests.versions.pushed import die_at, leftovers, model, numbers, state, whole

FORK = multiprocessing.get_context("fork")


def push_and_die(source, served, step):
    die_at(step)
    push(source, served, {"run": "r"})
    os._exit(0)


def crash(source, served, step):
    """Pushes in a child that is killed at a step; returns whether it came to its end."""
    child = FORK.Process(target=push_and_die, args=(source, served, step))
    child.start()
    child.join(60)
    return child.exitcode == 0


def crash_at_every_step(folder):
    served = folder / "served"
    push(model(folder / "one"), served, {})
    before = state(served)
    source = model(folder / "two", "two")
    for step in range(1, 200):
        done = crash(source, served, step)
        kept = {name: content for name, content in state(served).items() if name.startswith("1/")}
        assert kept == before
        assert all(whole(served / str(number)) for number in numbers(served))
        if done:
            break
        for number in numbers(served)[1:]:
            shutil.rmtree(served / str(number))
    # All the steps of a push were tried, and after the crashes comes one that works.
    assert step > 20
    assert len(numbers(served)) == 2
    assert leftovers(served) == []


def crash_and_delete(folder):
    served, used = folder / "served", set()
    for step in range(1, 200):
        done = crash(model(folder / str(step), str(step)), served, step)
        new = set(numbers(served)) if served.exists() else set()
        assert not new & used
        used |= new
        for number in new:
            shutil.rmtree(served / str(number))
        if done:
            break
    assert step > 20
    assert push(model(folder / "last", "last"), served, {})[0] > max(used)


def configured(served):
    """The version that TensorFlow Serving is configured to serve."""
    return int(re.search(r"versions: (\d+)", (served / "serving.config").read_text())[1])


def crash_and_repeat(folder):
    """A push that was killed at any step is pushed again: then the live version is configured."""
    served = folder / "served"
    push(model(folder / "one"), served, {})
    source = model(folder / "two", "two")
    behind = 0
    for step in range(1, 200):
        done = crash(source, served, step)
        behind += live(served) == 2 and configured(served) == 1
        assert push(source, served, {})[0] == live(served)
        assert configured(served) == live(served)
        if done:
            break
        for number in numbers(served)[1:]:
            shutil.rmtree(served / str(number))
        (served / ".last-version").write_text("1")
        tensorflow_serving.follow(served, 1)
    # It had to be set right at least once.
    assert behind and step > 20


@pytest.mark.parametrize("scene", [crash_at_every_step, crash_and_delete, crash_and_repeat])
def test_a_push_that_is_killed_at_any_step_is_atomic_and_no_number_is_reused(tmp_path, scene):
    """In a small process: one that has imported TensorFlow forks slowly."""
    code = f"import sys, pathlib, {__name__} as t; t.{scene.__name__}(pathlib.Path(sys.argv[1]))"
    done = subprocess.run(
        [sys.executable, "-c", code, tmp_path],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr


def test_a_push_of_an_existing_model_configures_what_is_live(tmp_path):
    """Whichever that is: it is the one that was promoted, and not the one that is pushed."""
    served = tmp_path / "served"
    one, two = model(tmp_path / "one"), model(tmp_path / "two", "two")
    push(one, served, {})
    push(two, served, {})
    for number in (1, 2):
        promote(served, number)
        before = (served / "serving.config").stat()
        assert push(one, served, {}) == (1, False)
        # Nothing is written where all is well.
        assert (served / "serving.config").stat() == before
        for content in ("nonsense", None):
            (served / "serving.config").unlink()
            if content:
                (served / "serving.config").write_text(content)
            assert push(one, served, {}) == (1, False)
            assert configured(served) == number
