"""Which lines of a log are shown where a run fails."""

import logging

import pytest

from beltline.runners.local.cause import lines_that_matter

BEFORE = "2026-11-30 01:00:00 INFO beltline.node: started\n"


@pytest.fixture
def log(tmp_path):
    return tmp_path / "Trainer.log"


def written(log, error):
    """Writes what Python's own logging writes of an error, and lines around it."""
    handler = logging.FileHandler(log, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logger = logging.getLogger("test_cause")
    logger.addHandler(handler)
    logger.propagate = False
    try:
        error()
    except Exception:
        logger.exception("Trainer failed")
    finally:
        logger.removeHandler(handler)
        handler.close()


def broken():
    raise ValueError("no such column: 'mold'")


def chained():
    try:
        broken()
    except ValueError as error:
        raise RuntimeError("a step failed\nmore of it") from error


def test_the_place_and_the_error(log):
    written(log, broken)
    place, code, error = lines_that_matter(log)
    assert place.strip().startswith(f'File "{__file__}"') and place.endswith("in broken")
    assert code.strip() == """raise ValueError("no such column: 'mold'")"""
    assert error == "ValueError: no such column: 'mold'"


def test_of_several_errors_the_last(log):
    written(log, chained)
    place, _, error = lines_that_matter(log)
    assert place.endswith("in chained")
    assert error == "RuntimeError: a step failed"


def test_a_traceback_within_another_line(log):
    log.write_text(
        BEFORE + "  | Traceback (most recent call last):\n"
        "    Traceback (most recent call last):\n"
        '      File "a.py", line 1, in f\n        f()\n        ^^^\n    KeyError: 1\n' + BEFORE
    )
    assert [line.strip() for line in lines_that_matter(log)] == [
        'File "a.py", line 1, in f',
        "f()",
        "KeyError: 1",
    ]


def test_one_that_was_cut_off(log):
    log.write_text(BEFORE + "Traceback (most recent call last):\n")
    assert lines_that_matter(log) == []
    log.write_text('Traceback (most recent call last):\n  File "a.py", line 1, in f\n    f()\n')
    assert lines_that_matter(log)[-1].strip() == "f()"


def test_without_a_traceback_what_was_warned_of(log):
    log.write_text(BEFORE * 9 + "2026-11-30 01:00:01 WARNING beltline.trainer: slow\n" + BEFORE)
    assert lines_that_matter(log) == ["2026-11-30 01:00:01 WARNING beltline.trainer: slow"]


def test_without_that_the_last_lines(log):
    log.write_text("".join(f"line {number}\n\n" for number in range(1_000)))
    assert lines_that_matter(log) == ["line 997", "line 998", "line 999"]
    log.write_bytes(b"\xff\xfe")
    assert len(lines_that_matter(log)) == 1


def test_no_log(tmp_path):
    assert lines_that_matter(tmp_path / "none.log") == []
