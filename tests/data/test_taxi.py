"""The taxi sample as a file with a label: every trip, every text, no answer among the features."""

import csv
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from click.testing import CliRunner

from beltline.data import taxi

SMALL = """company,fare,tips,trip_start_timestamp,trip_miles
"Cab, Inc.",10,2.01,1400269500,
,10.00,2.0,1400269500,0.0
Elite,0,5,1400269500,1
Elite,,5,1400269500,1
Elite,10,,1400269500,1
"""
needs_tfx = pytest.mark.skipif(find_spec("tfx") is None, reason="tfx is not installed")


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as lines:
        return list(csv.DictReader(lines))


@pytest.fixture
def small(tmp_path: Path) -> Path:
    path = tmp_path / "small.csv"
    path.write_text(SMALL, encoding="utf-8")
    return path


def test_text_stays_and_the_label_needs_a_fare(small: Path, tmp_path: Path) -> None:
    output = tmp_path / "deep" / "down" / "taxi.csv"
    taxi.convert(small, output)
    assert output.read_text(encoding="utf-8") == (
        "company,fare,trip_miles,big_tip\n"
        '"Cab, Inc.",10,,yes\n'
        ",10.00,0.0,no\n"
        "Elite,0,1,no\n"
        "Elite,,1,no\n"
        "Elite,10,1,no\n"
    )
    assert list(output.parent.iterdir()) == [output]


def test_times_repeats_every_trip(small: Path, tmp_path: Path) -> None:
    once, thrice = tmp_path / "once.csv", tmp_path / "thrice.csv"
    taxi.convert(small, once)
    taxi.convert(small, thrice, times=3)
    assert rows_of(thrice) == 3 * rows_of(once)


def test_broken_source_leaves_the_old_file(small: Path, tmp_path: Path) -> None:
    output = tmp_path / "taxi.csv"
    taxi.convert(small, output)
    before = output.read_bytes()
    small.write_text(SMALL + "Elite,many,1,1,1\n", encoding="utf-8")
    with pytest.raises(ValueError, match="many"):
        taxi.convert(small, output)
    assert output.read_bytes() == before
    assert set(tmp_path.iterdir()) == {small, output}


def test_missing_tfx_is_said_plainly(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(taxi, "find_spec", lambda name: None)
    result = CliRunner().invoke(taxi.main, ["-o", str(tmp_path / "taxi.csv")])
    assert result.exit_code == 1
    assert "tfx" in result.output
    assert not list(tmp_path.iterdir())


@needs_tfx
def test_no_trip_is_lost_and_no_text_changed(tmp_path: Path) -> None:
    output = tmp_path / "taxi.csv"
    loaded_before = "tfx" in sys.modules
    result = CliRunner().invoke(taxi.main, ["-o", str(output)])
    assert result.exit_code == 0, result.output
    assert ("tfx" in sys.modules) == loaded_before
    source, trips = rows_of(taxi.source_path()), rows_of(output)
    kept = [name for name in source[0] if name not in ("tips", "trip_start_timestamp")]
    assert list(trips[0]) == [*kept, "big_tip"]
    assert [[trip[name] for name in kept] for trip in trips] == [
        [trip[name] for name in kept] for trip in source
    ]


@needs_tfx
def test_about_a_fifth_tip_big(tmp_path: Path) -> None:
    output = tmp_path / "taxi.csv"
    taxi.convert(taxi.source_path(), output)
    labels = [trip["big_tip"] for trip in rows_of(output)]
    assert set(labels) == {"yes", "no"}
    assert 0.15 < labels.count("yes") / len(labels) < 0.25
