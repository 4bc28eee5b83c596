"""A real server under a steady load, while its versions come, go, break and die half pushed."""

import json
import multiprocessing
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from beltline.versions.folder import CARD, CHECK_ROWS
from beltline.versions.live import live, order, promote, rollback
from beltline.versions.push import push
from tests.serving.load import Clients

pytestmark = pytest.mark.slow

FORK = multiprocessing.get_context("fork")
SECONDS = 2.0
VARIABLES = "variables/variables.data-00000-of-00001"


@contextmanager
def server(folder: Path) -> Iterator[int]:
    """The server as a process of its own; yields its port once it is ready."""
    words = [sys.executable, "-m", "beltline.serving", "--name", "line", "--folder", str(folder)]
    process = subprocess.Popen([*words, "--port", "0"], stdout=subprocess.PIPE, text=True)
    try:
        lines = iter(process.stdout.readline, "")
        port = next(found[1] for line in lines if (found := re.search(r":(\d+)/v1/", line)))
        assert any("now serving version" in line for line in lines)
        yield int(port)
        assert process.poll() is None, "the server has died"
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)
    assert process.returncode == 0


@pytest.fixture
def folder(three_versions: Path, tmp_path: Path) -> Path:
    shutil.copytree(three_versions, tmp_path / "line")
    return tmp_path / "line"


def brought(folder: Path, number: int, change: Callable[[Path], object]) -> None:
    """Brings a copy of version 3 as a push does, changed for the worse."""
    staged = folder / ".staged-bad"
    shutil.copytree(folder / "3", staged)
    change(staged)
    staged.rename(folder / str(number))


def unsigned(change: Callable[[Path], object]) -> Callable[[Path], object]:
    """Without a card there is no digest: the fault itself must show."""

    def changed(version: Path) -> None:
        (version / CARD).unlink()
        change(version)

    return changed


def other_answers(version: Path) -> None:
    recorded = json.loads((version / CHECK_ROWS).read_text())
    recorded["answers"]["probability"][0] += 1
    (version / CHECK_ROWS).write_text(json.dumps(recorded))


def halved(file: str) -> Callable[[Path], object]:
    return lambda version: os.truncate(version / file, (version / file).stat().st_size // 2)


BROKEN = [
    unsigned(lambda version: (version / "saved_model.pb").write_bytes(b"")),
    unsigned(lambda version: (version / "saved_model.pb").write_bytes(os.urandom(5000))),
    unsigned(halved("saved_model.pb")),
    unsigned(halved(VARIABLES)),
    unsigned(lambda version: shutil.rmtree(version / "variables")),
    unsigned(lambda version: shutil.rmtree(version / "assets")),
    unsigned(other_answers),
    lambda version: (version / VARIABLES).write_bytes(b"\0" * 200_020),
    lambda version: (version / CHECK_ROWS).write_text("{"),
    lambda version: (version / "saved_model.pb").chmod(0) or halved("saved_model.pb")(version),
]


def test_promotions_and_broken_versions_fail_no_request(folder: Path) -> None:
    """Fifty promotions and rollbacks, ten broken pushes; each change shows within two seconds."""
    taken = []
    with server(folder) as port, Clients(port) as clients:
        clients.wait_for(3)
        for step in range(50):
            now = live(folder)
            if step % 5 == 4:
                number = 100 + step
                brought(folder, number, BROKEN[step // 5])
                assert live(folder) == number
                clients.wait_until(number, "END")
                assert clients.latest == str(now)
                # As somebody would, whose push doesn't come to answer.
                assert rollback(folder) == (number, now)
            if step % 2 and len(order(folder)) > 1:
                _, number = rollback(folder)
            else:
                number = now % 3 + 1
                promote(folder, number)
            taken.append(clients.wait_for(number))
        asked = clients.asked
    assert clients.failed == []
    assert asked > 1000
    assert max(taken) < SECONDS, taken
    print(f"{asked} requests, slowest {clients.slowest:.3f} s, changes within {max(taken):.2f} s")


def test_a_repaired_version_is_loaded(folder: Path) -> None:
    with server(folder) as port, Clients(port, number=2) as clients:
        brought(folder, 4, other_answers)
        clients.wait_until(4, "END")
        shutil.copyfile(folder / "3" / CHECK_ROWS, folder / "4" / CHECK_ROWS)
        # It is version 3's model under another number: its answers are not what the number says.
        clients.wait_until(4, "AVAILABLE")
        clients.wait_for(4)
    assert {each.split(" answers")[0] for each in clients.failed} == {"version 4"}


def push_and_die(source: Path, served: Path, step: int) -> None:
    from tests.versions.pushed import die_at

    die_at(step)
    push(source, served, {"run": "r"})
    os._exit(0)


def test_a_push_that_is_killed_at_any_step_under_load_is_atomic(
    folder: Path, tmp_path: Path
) -> None:
    """kill -9 before each of the calls that change the disk, under load."""
    new = tmp_path / "new"
    shutil.copytree(folder / "3", new)
    shutil.rmtree(folder / "3")
    whole = []
    with server(folder) as port, Clients(port, number=2) as clients:
        clients.wait_for(2)
        for step in range(1, 200):
            # Its number says which answers it must give.
            (folder / ".last-version").write_text("2")
            child = FORK.Process(target=push_and_die, args=(new, folder, step))
            child.start()
            child.join(60)
            if live(folder) != 2:
                assert live(folder) == 3
                clients.wait_for(3)
                whole.append(step)
                if child.exitcode == 0:
                    break
                shutil.rmtree(folder / "3")
                clients.wait_for(2)
    assert clients.failed == []
    assert child.exitcode == 0 and step > 20 and len(whole) >= 2
