"""A section's place in a page of results."""

import re
from pathlib import Path

import pytest

from benchmarks.pages import put, replaced


def test_a_section_is_added_once_and_then_replaced() -> None:
    page = "# Results\n\n## Airflow\n\nfast\n"
    first = replaced(page, "stock", "## Against stock TFX\n\nold")
    assert first.startswith(page) and "old" in first
    other = replaced(first, "serving", "## Serving\n\nquick")
    second = replaced(other + "\n## Later\n", "stock", "## Against stock TFX\n\nnew")
    assert second == other.replace("old", "new") + "\n## Later\n"


def test_without_a_file_a_section_is_printed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = [tmp_path / "results.md", tmp_path / "scale.md"]
    put("stock", "text", *files)
    assert capsys.readouterr().out == ""
    assert [file.read_text() for file in files] == [replaced("", "stock", "text")] * 2
    put("stock", "text", None)
    assert capsys.readouterr().out == "text\n"


def test_a_mark_that_is_missing_is_an_error_and_not_a_second_section() -> None:
    page = replaced("", "stock", "text")
    with pytest.raises(SystemExit, match="in order"):
        replaced(page.replace("<!-- stock: end -->\n", ""), "stock", "text")


def test_the_page_of_results_is_written_by_programs_alone() -> None:
    page = (Path(__file__).parents[2] / "benchmarks/RESULTS.md").read_text()
    section = re.compile(r"<!-- (.+): begin -->\n(.*?)<!-- \1: end -->\n", re.DOTALL)
    found = dict(section.findall(page))
    for name, text in found.items():
        heading, _, command, *_ = text.splitlines()
        assert heading.startswith("## ") and command.startswith("`python -m benchmarks."), name
    by_hand = section.sub("", page).split("\n\n", maxsplit=1)
    assert by_hand[0] == "# Results"
    # What each figure is, and no figure.
    assert not re.search(r"\d", by_hand[1])
