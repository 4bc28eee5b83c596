"""What the pages show as a command's output is what it prints (see `samples`)."""

import shlex
import shutil
from pathlib import Path

import pytest

from tests.beltline_process import Result
from tests.docs.conftest import REFUSED
from tests.docs.pages import ROOT
from tests.docs.samples import Sample, samples, unlike
from tests.end_to_end.projects import Project

FIRST_RUN = "beltline run # first"
# What another test runs, and compares with the page.
ELSEWHERE = {
    "beltline serve": "tests/docs/test_docs.py",
    "curl": "tests/docs/test_docs.py",
    "beltline monitor": "tests/runners/cli/commands/test_monitor.py",
    "beltline models": "tests/runners/cli/commands/test_models.py",
    "beltline submit kubeflow": "tests/runners/cli/commands/test_submit.py",
    "beltline submit kubeflow # first": "tests/runners/cli/commands/test_submit.py",
    "beltline check kubeflow": "tests/runners/checks/test_kubeflow.py",
    "beltline check airflow": "tests/airflow/test_check.py",
}


@pytest.mark.slow
@pytest.mark.parametrize(
    "sample",
    [each for each in samples() if each.command not in ELSEWHERE],
    ids=lambda each: f"{each.page.name}-{each.command}",
)
def test_a_command_prints_what_is_shown(
    project: Project,
    first: Result,
    again: Result,
    refused: Result,
    tmp_path: Path,
    sample: Sample,
) -> None:
    known = {FIRST_RUN: first, "beltline run": again, REFUSED: refused}
    if not (result := known.get(sample.command)):
        _, *words = shlex.split(sample.command)
        if words[0] == "init":
            # Where nothing has been written yet, as for somebody who begins.
            shutil.copy(project.folder / "parts.csv", tmp_path)
            project = Project(project.beltline, tmp_path)
        result = project(*words)
    assert unlike(sample.text, result.text) == [], result.text


@pytest.mark.parametrize("command", ELSEWHERE)
def test_what_another_test_compares_is_compared_there(command: str) -> None:
    text = (ROOT / ELSEWHERE[command]).read_text()
    assert "unlike(" in text and f'"{command}"' in text


def test_a_line_that_is_not_printed_is_found() -> None:
    printed = (
        "casting · run 20261126-142237-e8e9\n  Trainer  done  20.0 s\nserved: /a/b/casting/1\n"
    )
    assert unlike("parts · run 20260101-000000-abcd\n  Trainer done 1.5 s\n…\n", printed) == []
    assert unlike("served: …/parts/7\n", printed) == []
    assert unlike("  Trainer  failed  1.5 s\n", printed) == ["  Trainer  failed  1.5 s"]
    assert unlike("serving: …/parts/7", printed) == ["serving: …/parts/7"]
