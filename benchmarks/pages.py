"""A page of results whose sections are written by programs, each between two marks of its own."""

from collections.abc import Iterable, Sequence
from pathlib import Path


def replace(file: Path, name: str, section: str) -> None:
    """Puts the section called `name` into the file, which is made if it isn't there."""
    page = file.read_text(encoding="utf-8") if file.exists() else ""
    file.write_text(replaced(page, name, section), encoding="utf-8")


def put(name: str, section: str, *files: Path | None) -> None:
    """Replaces the section called `name` in each of the files; prints it where there is none."""
    chosen = [file for file in files if file]
    for file in chosen:
        replace(file, name, section)
    if not chosen:
        print(section)


def replaced(page: str, name: str, section: str) -> str:
    """Returns the page with this section in the place of its last one, or at the end.

    Raises:
      SystemExit: one of the two marks is missing, or they are the wrong way round.
    """
    first, last = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    marked = f"{first}\n{section}\n{last}\n"
    if first not in page and last not in page:
        return f"{page.rstrip()}\n\n{marked}" if page.strip() else marked
    before, begin, rest = page.partition(f"{first}\n")
    _, end, after = rest.partition(f"{last}\n")
    if not begin or not end:
        raise SystemExit(f"'{first}' and '{last}' must each stand on a line, in order")
    return f"{before}{marked}{after}"


def table(head: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    """Returns a table in Markdown."""
    rows = [head, ["---"] * len(head), *lines]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)
