"""What is in the notebooks' files; tests/end_to_end/test_casting_runs.py runs them."""

import ast

import nbformat
import pytest

from tests.test_house import ROOT

NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))


def test_there_are_three():
    assert [file.stem[:2] for file in NOTEBOOKS] == ["1-", "2-", "3-"]


@pytest.mark.parametrize("file", NOTEBOOKS, ids=lambda file: file.stem)
def test_a_notebook_has_no_outputs_and_ends_with_what_to_keep(file):
    book = nbformat.read(file, as_version=4)
    nbformat.validate(book)
    code = [cell for cell in book.cells if cell.cell_type == "code"]
    assert all(not cell.outputs and cell.execution_count is None for cell in code)
    # Of nobody's machine.
    assert set(book.metadata) == {"kernelspec", "language_info"}
    assert book.metadata.kernelspec.name == "python3"
    titles = [
        line
        for cell in book.cells
        if cell.cell_type == "markdown"
        for line in cell.source.splitlines()
        if line.startswith("#")
    ]
    assert titles[0].startswith("# ") and titles[-1] == "## Keep it"
    for cell in code:
        if not cell.source.startswith("%%"):
            ast.parse(cell.source)
