"""Records the first five minutes on a terminal, from a table to an answer, as an asciicast.

A real shell on a pseudo-terminal is typed into; what it prints is written down with its time, as
asciinema would. The run is played faster than it was: its time is divided. What TensorFlow's C++
logs on stderr while it is imported is in a file beside it.
"""

import json
import os
import re
import shutil
import time
from pathlib import Path

import pexpect

ROOT = Path(__file__).parents[2]
COLUMNS, ROWS = 100, 30
COMMANDS = ("beltline init parts.csv --label scrap", "beltline run", "beltline serve")
"""What is typed before the question, as the README shows it."""
FASTER = 6
"""How many times as fast the run is shown."""

_PROMPT = "\x1b[36m$\x1b[0m "
_PAUSE = 1.0
_REST = 1.5
_KEY = 0.04
_MINUTES = 5
_LOG = "stderr.log"


class Cast:
    """What a terminal printed, and when: a file in asciinema's format, version 2.

    Attributes:
      pace: the seconds that pass in the recording for each that passes.
    """

    def __init__(self, hidden: str) -> None:
        """Begins.

        Args:
          hidden: the path of the working folder, which is written as an ellipsis.
        """
        self.pace = 1.0
        self._hidden = hidden
        self._events: list[tuple[float, str, str]] = []
        self._seconds = 0.0
        self._at = time.monotonic()

    def write(self, text: str) -> None:
        """Takes what was printed now; a long rest before it is cut."""
        now = time.monotonic()
        self._seconds += min((now - self._at) * self.pace, _REST)
        self._at = now
        self._events.append((round(self._seconds, 3), "o", text.replace(self._hidden, "…")))

    def flush(self) -> None:
        """Does nothing: pexpect calls it for files."""

    def text(self) -> str:
        """Returns the file."""
        head = {"version": 2, "width": COLUMNS, "height": ROWS, "title": "Beltline"}
        lines = [json.dumps(each, ensure_ascii=False) for each in (head, *self._events)]
        return "\n".join(lines) + "\n"


def question() -> str:
    """Returns the request that docs/serving.md shows in full, and the README shortened."""
    page = (ROOT / "docs/serving.md").read_text(encoding="utf-8")
    found = re.search(r"^```sh\n(curl -s \S+:predict .*?)\n```$", page, re.MULTILINE | re.DOTALL)
    if not found:
        raise SystemExit("docs/serving.md shows no request to :predict")
    return found[1]


def record(folder: Path) -> str:
    """Returns the recording of a session.

    Args:
      folder: the working folder; it then has the project, with its run.
    """
    shutil.copy(ROOT / "data/casting.csv", folder / "parts.csv")
    cast = Cast(str(folder))
    shell = _shell(folder, cast)
    init, run, serve = COMMANDS
    _call(shell, init)
    cast.pace = 1 / FASTER
    if "served:" not in _call(shell, run):
        raise SystemExit(f"the run pushed nothing:\n{shell.before}")
    cast.pace = 1.0
    _type(shell, serve)
    if shell.expect(["now serving version.*\n", re.escape(_PROMPT)]):
        raise SystemExit(f"the server ended:\n{(folder / _LOG).read_text(encoding='utf-8')}")
    other = _shell(folder, cast)
    try:
        _call(other, "# in another terminal")
        _call(other, question())
        time.sleep(2 * _PAUSE)
        cast.write("")
    finally:
        shell.logfile_read = other.logfile_read = None
        shell.sendintr()
        shell.expect_exact(_PROMPT)
        shell.close()
        other.close()
    return cast.text()


def _shell(folder: Path, cast: Cast) -> "pexpect.spawn[str]":
    env = {name: value for name, value in os.environ.items() if not name.startswith("BELTLINE")}
    # Bash takes a function from the environment by such a name.
    env["BASH_FUNC_beltline%%"] = f'() {{ command beltline "$@" 2>>{_LOG}; }}'
    env |= {"PS1": _PROMPT, "PS2": "", "TERM": "xterm-256color", "LC_ALL": "C.UTF-8"}
    shell = pexpect.spawn(
        "bash",
        ["--norc", "--noprofile", "--noediting", "-i"],
        cwd=folder,
        env=env,
        encoding="utf-8",
        dimensions=(ROWS, COLUMNS),
        timeout=60 * _MINUTES,
    )
    # Keys are sent at their own pace.
    shell.delaybeforesend = None
    shell.expect_exact(_PROMPT)
    shell.logfile_read = cast
    cast.write(_PROMPT)
    return shell


def _call(shell: "pexpect.spawn[str]", command: str) -> str:
    """Types a command, waits for its end, and returns what it printed."""
    _type(shell, command)
    # An answer need not end its line.
    shell.expect(rf"{re.escape(_PROMPT)}$")
    return shell.before or ""


def _type(shell: "pexpect.spawn[str]", command: str) -> None:
    for key in command:
        shell.send(key)
        # A long one is pasted.
        time.sleep(_KEY if len(command) < COLUMNS else _KEY / 20)
        shell.expect_exact(key)
    time.sleep(_PAUSE)
    shell.send("\n")
