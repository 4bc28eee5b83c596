"""Tables, metrics and times as the commands print them."""

import re
from collections.abc import Sequence
from datetime import datetime


def table(rows: Sequence[Sequence[str]]) -> list[str]:
    """Returns the lines of a table whose first row is its heading; numbers are right-aligned."""
    columns = list(zip(*rows, strict=True))
    cells = [_aligned(column) for column in columns]
    return ["  ".join(row).rstrip() for row in zip(*cells, strict=True)]


def _aligned(column: Sequence[str]) -> list[str]:
    width = max(len(cell) for cell in column)
    right = all(re.fullmatch(r"-|-?\d+(\.\d+)?", cell) for cell in column[1:])
    return [cell.rjust(width) if right else cell.ljust(width) for cell in column]


def metric(value: float | None) -> str:
    """Returns a metric as text; `-` for None."""
    if value is None:
        return "-"
    # Counts, such as the rows, read badly with decimals.
    return f"{value:.0f}" if value.is_integer() and value > 1 else f"{value:.4f}"


def local_time(iso: str) -> str:
    """Returns an ISO time as text in this machine's time zone; `-` if it is none."""
    try:
        return datetime.fromisoformat(iso).astimezone().strftime("%Y-%m-%d %H:%M")
    except ValueError:
        return "-"
