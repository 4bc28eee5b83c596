"""The last alarm: what it holds back, and what not."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from beltline.runners.monitor.alarms import Alarm, recent_alarm, save

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
DAY = timedelta(hours=24)


def alarm(version: int = 3, run: str = "a", ago: timedelta = timedelta(hours=1)) -> Alarm:
    return Alarm(version, run, (NOW - ago).isoformat())


def test_the_same_version_waits(tmp_path: Path) -> None:
    save(tmp_path / "new/a.json", alarm())
    assert recent_alarm(tmp_path / "new/a.json", 3, "b", NOW - DAY) == alarm()


def test_before_the_first_one_there_is_none(tmp_path: Path) -> None:
    assert recent_alarm(tmp_path / "a.json", 3, "b", NOW - DAY) is None


def test_another_version_has_not_been_trained_in_vain(tmp_path: Path) -> None:
    save(tmp_path / "a.json", alarm())
    for other in (2, 4):
        assert recent_alarm(tmp_path / "a.json", other, "b", NOW - DAY) is None


def test_after_the_pause_it_may_alarm_again(tmp_path: Path) -> None:
    save(tmp_path / "a.json", alarm(ago=DAY + timedelta(seconds=1)))
    assert recent_alarm(tmp_path / "a.json", 3, "b", NOW - DAY) is None
    save(tmp_path / "a.json", alarm())
    assert recent_alarm(tmp_path / "a.json", 3, "b", NOW - timedelta(0)) is None


def test_a_run_that_is_tried_again_finds_its_own(tmp_path: Path) -> None:
    save(tmp_path / "a.json", alarm())
    assert recent_alarm(tmp_path / "a.json", 3, "a", NOW - DAY) is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "null",
        '{"version": 3}',
        '{"version": "x", "run": "a", "raised": "2026-11-24T11:00:00+00:00"}',
        '{"version": 3, "run": "a", "raised": "yesterday"}',
        '{"version": 3, "run": "a", "raised": "2026-11-24T11:00:00"}',
    ],
)
def test_a_file_that_is_no_use_holds_nothing_back(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.json").write_text(text)
    assert recent_alarm(tmp_path / "a.json", 3, "b", NOW - DAY) is None
