"""What a run shows: on a terminal a table that moves, and for machines JSON."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.beltline_process import Beltline
from tests.end_to_end.projects import Project, casting

pytestmark = pytest.mark.slow

SHORT = ["run", "--to", "StatisticsGen"]


@pytest.fixture(scope="module")
def project(beltline: Beltline, tmp_path_factory: pytest.TempPathFactory) -> Project:
    return casting(beltline, tmp_path_factory.mktemp("terminal"), rows=600)


def on_a_terminal(
    project: Project, press: tuple[str, bytes] | None = None, *words: str
) -> tuple[int, str]:
    """Runs the command on a terminal of its own; returns its exit code and what was written.

    Args:
      project: where.
      press: a text, and what is typed when it has been written.
      words: more of the command.
    """
    ours, theirs = os.openpty()

    def on_it() -> None:
        os.login_tty(theirs)
        # Who starts the tests may ignore it, as a shell does for what it has in the background.
        signal.signal(signal.SIGINT, signal.SIG_DFL)

    command = [sys.executable, "-m", "beltline.runners.cli", *SHORT, *words]
    env = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "100", "LINES": "40"}
    process = subprocess.Popen(
        command,
        cwd=project.folder,
        env=env,
        preexec_fn=on_it,  # noqa: PLW1509 - no threads here
    )
    os.close(theirs)
    written, ends = b"", time.monotonic() + 120
    while time.monotonic() < ends:
        try:
            written += os.read(ours, 65_536)
        except OSError:
            # Nobody holds the other end any more.
            break
        if press and press[0].encode() in written:
            os.write(ours, press[1])
            press = None
    os.close(ours)
    # Colours are in the way of words.
    return process.wait(timeout=30), re.sub(r"\x1b\[[0-9;]*m", "", written.decode())


def test_a_terminal_shows_the_nodes_as_they_go(project: Project) -> None:
    code, written = on_a_terminal(project)
    assert code == 0, written
    assert "running" in written and "·  ExampleGen" in written
    rows = written.rpartition("ExampleGen")[2]
    # What it has read, in people's terms; then the cursor is there again.
    assert "done" in rows and "train 4" in rows and "eval 1" in rows
    assert "✓   StatisticsGen" in rows
    shown_again = written.rpartition("\x1b[?25h")[2]
    assert "\x1b[?25l" not in shown_again and "report: " in shown_again


@pytest.mark.parametrize("seen", ["\x1b[?25l", "running"])
def test_ctrl_c_gives_the_terminal_back(project: Project, seen: str) -> None:
    code, written = on_a_terminal(project, (seen, b"\x03"), "--force")
    assert code == 130, written
    assert "\x1b[?25h" in written.rpartition("\x1b[?25l")[2]
    assert "beltline: stopped by SIGINT" in written


def test_json_is_all_that_machines_get(project: Project) -> None:
    done = project(*SHORT, "--json")
    assert done.code == 0, done.text
    events = [json.loads(line) for line in done.out.splitlines()]
    nodes = [each["node"] for each in events if each["event"] == "ended"]
    assert nodes == ["ExampleGen", "StatisticsGen"]
    assert events[-1]["event"] == "result" and events[-1]["end"] == "done"
    run = events[-1]["run"]
    assert (Path(project.root) / "runs" / f"{run}.json").exists()


def test_json_of_a_refusal_has_its_code(project: Project) -> None:
    done = project(*SHORT, "--json", "--set", "data.path=none.csv")
    assert done.code == 2 and done.out == ""
