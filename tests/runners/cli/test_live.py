"""What a terminal shows of a run, drawn by Rich itself."""

import io

import pytest
from rich.console import Console

from beltline.runners.cli.live import LiveRun
from beltline.runners.node.outcome import Outcome
from tests.bundle.bundles import manifest
from tests.runners.cli.test_durations import NODES, USUAL


@pytest.fixture
def screen():
    return io.StringIO()


@pytest.fixture
def live(screen, tmp_path):
    console = Console(file=screen, force_terminal=True, width=90, height=30, color_system=None)
    return LiveRun(manifest(), NODES, lambda node: tmp_path / f"{node}.log", USUAL, console)


def last(screen):
    """The lines of the last picture: each begins where the one before it began."""
    pictures = screen.getvalue().replace("\x1b[2K", "").split("\x1b[1A")
    lines = [line.rstrip() for line in pictures[-1].split("\r")[-1].splitlines()]
    return {line.split()[1]: line for line in lines if len(line.split()) > 1}, lines


def test_what_is_to_come_says_what_it_does(live, screen):
    with live:
        pass
    shown, lines = last(screen)
    assert "Trains." in shown["Trainer"] and "·" in shown["Trainer"]
    assert "about 74 s left, by earlier runs" in lines[-2]


def test_who_waits_for_whom_is_seen(live, screen):
    with live:
        pass
    shown, _ = last(screen)
    column = {node: line.index(node) for node, line in shown.items() if node in NODES}
    assert column["ExampleGen"] == column["Schema"] == column["Champion"]
    assert [column[node] - column["ExampleGen"] for node in ("DataGate", "Transform")] == [1, 2]


def test_what_runs_says_what_it_is_doing_and_how_long_it_takes(live, screen, tmp_path):
    (tmp_path / "Trainer.log").write_text(
        "2026-11-30 01:00:00,000 INFO beltline.trainer: epoch 1: loss 0.2\n"
        "2026-11-30 01:00:01,000 INFO beltline.trainer: epoch 6: loss 0.1\n"
        "2026-11-30 01:00:02,000 WARNING absl: something else\n"
    )
    with live:
        live.started("Trainer")
    line = last(screen)[0]["Trainer"]
    assert "running" in line and " of 40 s" in line and line.endswith("epoch 6: loss 0.1")


def test_a_log_that_is_torn_or_not_there_says_nothing(live, screen, tmp_path):
    (tmp_path / "Trainer.log").write_bytes(b"\xff" * 9000)
    with live:
        live.started("Trainer")
        live.started("Schema")
    assert last(screen)[0]["Trainer"].endswith("of 40 s")


@pytest.mark.parametrize(
    ("state", "mark"), [("done", "✓"), ("cached", "="), ("failed", "✗"), ("refused", "✗")]
)
def test_what_has_ended_says_how(live, screen, state, mark):
    with live:
        live.started("Trainer")
        live.ended(Outcome("Trainer", state, reason="too cold\nfar too cold"), 12.34)
    line = last(screen)[0]["Trainer"]
    assert line.startswith(mark) and state in line and "12.3 s" in line
    assert ("too cold" in line) == (state == "failed")


def test_a_long_detail_is_cut_and_nothing_in_it_acts_on_the_terminal(live, screen):
    with live:
        live.ended(Outcome("Trainer", "failed", reason="\x1b[31m[bold]" + "x" * 200), 1)
    _, lines = last(screen)
    assert max(map(len, lines)) <= 90
    assert "\x1b[31m" not in screen.getvalue() and "[bold]" in screen.getvalue()


def test_the_terminal_is_given_back(live, screen):
    with pytest.raises(ZeroDivisionError), live:
        raise ZeroDivisionError
    # The cursor is hidden while the table moves.
    assert screen.getvalue().rstrip().endswith("\x1b[?25h")
