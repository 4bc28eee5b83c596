"""A section's place in a page of results."""

import click
import pytest

from benchmarks.pages import replaced


def test_a_section_is_added_once_and_then_replaced() -> None:
    page = "# Results\n\n## Airflow\n\nfast\n"
    first = replaced(page, "stock", "## Against stock TFX\n\nold")
    assert first.startswith(page) and "old" in first
    other = replaced(first, "serving", "## Serving\n\nquick")
    second = replaced(other + "\n## Later\n", "stock", "## Against stock TFX\n\nnew")
    assert second == other.replace("old", "new") + "\n## Later\n"


def test_a_mark_that_is_missing_is_an_error_and_not_a_second_section() -> None:
    page = replaced("", "stock", "text")
    with pytest.raises(click.ClickException, match="in order"):
        replaced(page.replace("<!-- stock: end -->\n", ""), "stock", "text")
