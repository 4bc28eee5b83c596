"""What the pages show as a command's output, and how it is compared with what is printed.

A block of output stands behind a mark with its command: `<!-- output: beltline runs -->`. Each of
its lines must be one that the command prints here, but for numbers, ids and paths; `…` stands for
anything.
"""

import re
from dataclasses import dataclass
from pathlib import Path

from tests.docs.pages import PAGES

# The pipelines of the samples, and of the tests that compare with them.
_NAMES = re.compile(r"\b(casting|parts|line|checked)\b")
_MASKS = [
    (re.compile(r"\d{8}-\d{6}-[0-9a-f]{4}"), "RUN"),
    (re.compile(r"\b[0-9a-f]{8,16}\b"), "DIGEST"),
    (_NAMES, "NAME"),
    (re.compile(r"\S*/(?=\S)"), "/"),
    (re.compile(r"[+-]?\d[\d.,:]*"), "0"),
    (re.compile(r"\s+"), " "),
]


@dataclass(frozen=True)
class Sample:
    """What a page shows, and what is said to print it."""

    page: Path
    command: str
    text: str


def samples() -> list[Sample]:
    marked = re.compile(
        r"^ *<!-- output: ([^\n]+) -->\n *```text\n(.*?)^ *```$", re.MULTILINE | re.DOTALL
    )
    return [Sample(page, *match) for page in PAGES for match in marked.findall(page.read_text())]


def shown(command: str) -> str:
    """Returns what the pages show as the output of that command, which one page does."""
    [sample] = [each for each in samples() if each.command == command]
    return sample.text


def masked(text: str) -> str:
    for pattern, mask in _MASKS:
        text = pattern.sub(mask, text)
    return text.strip()


def unlike(sample: str, printed: str) -> list[str]:
    """The lines of a sample that no printed line is like."""
    lines = [masked(line) for line in printed.splitlines()]
    found = []
    for line in filter(str.strip, sample.splitlines()):
        parts = [re.escape(masked(part)) for part in line.split("…")]
        if not any(re.fullmatch(r".*".join(parts), each) for each in lines):
            found.append(line)
    return found
