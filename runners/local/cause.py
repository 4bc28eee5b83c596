"""The lines of a node's log that tell why it failed."""

from collections import deque
from collections.abc import Sequence
from pathlib import Path

LINES = 3
_READ = 400  # lines from the end: an error of Beam's has a traceback in a traceback
_TRACEBACK = "Traceback (most recent call last):"
_LEVELS = (" WARNING ", " ERROR ", " CRITICAL ")


def lines_that_matter(log: Path) -> list[str]:
    """Returns the place and the error of the log's last traceback.

    Without a traceback, the last warnings and errors, or else the last lines, as of a process that
    was killed; none if there is no log.
    """
    try:
        with log.open(encoding="utf-8", errors="replace") as file:
            found = [line.rstrip() for line in deque(file, _READ) if line.strip()]
    except OSError:
        return []
    places = [number for number, line in enumerate(found) if line.strip() == _TRACEBACK]
    if places:
        return _of_traceback(found[places[-1] + 1 :])
    warned = [line for line in found if any(level in line for level in _LEVELS)]
    return (warned or found)[-LINES:]


def _of_traceback(lines: Sequence[str]) -> list[str]:
    """Returns the last frame's lines and that of the error."""
    indent = len(lines[0]) - len(lines[0].lstrip()) if lines else 0
    ends = next(
        (n for n, line in enumerate(lines) if len(line) - len(line.lstrip()) < max(indent, 1)),
        len(lines) - 1,
    )
    frames = [n for n, line in enumerate(lines[:ends]) if line.lstrip().startswith('File "')]
    frame = lines[frames[-1] : ends][: LINES - 1] if frames else []
    return [*frame, *lines[ends : ends + 1]]
