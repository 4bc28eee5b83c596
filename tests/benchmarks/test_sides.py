"""Both sides get the same trips, each in its own columns."""

import csv
from pathlib import Path

import pytest

from beltline.data.taxi import big_tip
from benchmarks.sides import write_rows


def trips(file: Path) -> list[dict[str, str]]:
    with file.open(newline="", encoding="utf-8") as lines:
        return list(csv.DictReader(lines))


@pytest.mark.slow
@pytest.mark.parametrize(("name", "number"), [("300", 300), ("30k", 30_004)])
def test_both_sides_have_the_same_trips(tmp_path: Path, name: str, number: int) -> None:
    rows = write_rows(name, tmp_path / name)
    ours, stock = trips(rows.ours), trips(rows.stock)
    assert rows.number == len(ours) == len(stock) == number
    for mine, other in zip(ours, stock, strict=True):
        assert mine.pop("big_tip") == big_tip(other["fare"], other["tips"])
        assert mine.items() <= other.items()
    assert list(rows.stock.parent.iterdir()) == [rows.stock]
    assert (rows.ours.parent / "pipeline.yaml").is_file()
