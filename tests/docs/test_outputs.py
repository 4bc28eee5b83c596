"""What the pages show as a command's output is what it prints, but for numbers, ids and paths.

A block of output stands behind a mark with its command: `<!-- output: beltline runs -->`. Each of
its lines must be one that the command prints here; `…` stands for anything.
"""

import re
import shlex
import shutil
from dataclasses import dataclass
from pathlib import Path

import pyarrow.csv
import pytest

from beltline.data.casting import generate
from tests.beltline_process import Result
from tests.docs.pages import PAGES
from tests.end_to_end.projects import Project

FIRST_RUN = "beltline run # first"
# The tables of the samples.
_NAMES = re.compile(r"\b(casting|parts)\b")
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
        r"^<!-- output: ([^\n]+) -->\n```text\n(.*?)^```$", re.MULTILINE | re.DOTALL
    )
    return [Sample(page, *match) for page in PAGES for match in marked.findall(page.read_text())]


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


@pytest.mark.slow
@pytest.mark.parametrize("sample", samples(), ids=lambda each: f"{each.page.name}-{each.command}")
def test_a_command_prints_what_is_shown(
    project: Project, first: Result, tmp_path: Path, sample: Sample
) -> None:
    if sample.command == FIRST_RUN:
        printed = first.text
    else:
        _, *words = shlex.split(sample.command)
        if words[0] == "init":
            shutil.copy(project.folder / "parts.csv", tmp_path)
            project = Project(project.beltline, tmp_path)
        elif "later.csv" in sample.command:
            pyarrow.csv.write_csv(generate(2000, 8, later=True), project.folder / "later.csv")
        printed = project(*words).text
    assert unlike(sample.text, printed) == [], printed


def test_a_line_that_is_not_printed_is_found() -> None:
    printed = (
        "casting · run 20261126-142237-e8e9\n  Trainer  done  20.0 s\nserved: /a/b/casting/1\n"
    )
    assert unlike("parts · run 20260101-000000-abcd\n  Trainer done 1.5 s\n…\n", printed) == []
    assert unlike("served: …/parts/7\n", printed) == []
    assert unlike("  Trainer  failed  1.5 s\n", printed) == ["  Trainer  failed  1.5 s"]
    assert unlike("serving: …/parts/7", printed) == ["serving: …/parts/7"]
