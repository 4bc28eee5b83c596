"""What the orchestrators call: exit codes, the last line, the page, and one alarm for one drift."""

import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from beltline.base.settings.monitoring import Monitoring
from beltline.runners.monitor.command import MonitorJob, MonitorResult, main, run_monitor
from beltline.runners.monitor.past import past_file, past_reports
from beltline.runners.paths import WEBHOOK, Paths
from tests import sampled
from tests.http_receiver import receiving

LIMITS = Monitoring().model_dump(mode="json")
PAUSE = timedelta(hours=6)


def paths(root: Path) -> Paths:
    return Paths(root, "sqlite:///unused", root / "data")


def look(root: Path, run: str = "a", now: datetime | None = None, **limits: Any) -> MonitorResult:
    return run_monitor(
        MonitorJob("served/casting", {**LIMITS, **limits}, run, PAUSE), paths(root), now
    )


def words(limits: Any) -> list[str]:
    return ["--served", "served/casting", "--watch", json.dumps(limits), "--run", "a"]


def call(root: Path, *more: str | Path, limits: Any = LIMITS) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "beltline.runners.monitor", *words(limits), *map(str, more)],
        env=os.environ | {"BELTLINE_ROOT": str(root)},
        capture_output=True,
        text=True,
    )


def last_line(done: subprocess.CompletedProcess[str]) -> Any:
    return json.loads(done.stdout.splitlines()[-1])


class TestWhatItIsTold:
    def test_without_a_version_there_is_nothing_to_do(self, tmp_path: Path) -> None:
        done = call(tmp_path)
        assert done.returncode == 99, done.stderr
        found = last_line(done)
        assert (found["node"], found["state"]) == ("Monitor", "skipped")
        assert found["reason"] == f"{tmp_path}/served/casting: no version has been pushed yet"
        assert list(tmp_path.iterdir()) == []

    def test_with_a_file_to_say_so_that_is_a_success(self, tmp_path: Path) -> None:
        done = call(tmp_path, "--alarm", tmp_path / "outputs/alarm")
        assert done.returncode == 0, done.stderr
        assert (tmp_path / "outputs/alarm").read_text() == "no"
        assert last_line(done)["state"] == "skipped"

    @pytest.mark.parametrize(
        "limits",
        [
            {},
            [],
            "text",
            {name: value for name, value in LIMITS.items() if name != "skew"},
            {**LIMITS, "metrics": {"auc": {"least": 0.5}}},
            {**LIMITS, "metrics": ["auc"]},
        ],
        ids=str,
    )
    def test_limits_of_another_release_are_wrong_options(self, limits: Any) -> None:
        result = CliRunner().invoke(main, words(limits))
        assert result.exit_code == 2
        assert "compile again with it" in result.output

    @pytest.mark.parametrize(
        "more", [("--watch", "{"), ("--run", "../a"), ("--pause-hours", "-1")], ids=" ".join
    )
    def test_what_is_no_json_no_run_and_no_time_is_wrong(self, more: tuple[str, str]) -> None:
        assert CliRunner().invoke(main, [*words(LIMITS), *more]).exit_code == 2


@pytest.fixture(scope="module")
def pushed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A root with a version."""
    root = tmp_path_factory.mktemp("root")
    sampled.version(root)
    return root


@pytest.mark.slow
class TestWhatItSees:
    @pytest.fixture
    def root(self, pushed: Path, tmp_path: Path) -> Path:
        """A root of its own with that version."""
        (tmp_path / "served").symlink_to(pushed / "served")
        return tmp_path

    def test_before_the_first_request_there_is_nothing_to_do(self, root: Path) -> None:
        seen = look(root)
        assert (seen.state, seen.report) == ("skipped", {})
        assert "no request samples yet" in seen.reason

    def test_with_too_few_requests_there_is_nothing_to_do(self, root: Path) -> None:
        sampled.sample(root, sampled.drifted(100))
        seen = look(root)
        assert seen.state == "skipped"
        assert "Too few rows to compare: 100 of version 1" in seen.reason
        assert past_reports(past_file(root, "casting")) == []

    def test_requests_like_the_training_rows_raise_no_alarm(self, root: Path) -> None:
        sampled.sample(root, sampled.as_trained())
        seen = look(root)
        assert (seen.state, seen.report["alarms"]) == ("skipped", [])
        assert seen.reason.startswith("no alarm in 600 rows of version 1.")
        assert "<html" in (root / "monitoring/casting.html").read_text()

    def test_drift_raises_one_alarm_in_its_pause(self, root: Path) -> None:
        sampled.sample(root, sampled.drifted())
        now = datetime.now(UTC)
        first = look(root, "a", now)
        assert first.state == "done"
        assert first.reason.split(";")[0] == first.report["alarms"][0]
        assert (root / "monitoring/casting.alarm.json").exists()
        # The same run, tried again, is no other alarm.
        assert look(root, "a", now).state == "done"
        second = look(root, "b", now + timedelta(hours=1))
        assert second.state == "skipped"
        assert "version 1 raised an alarm at" in second.reason
        assert "(run a); paused for 6 hours: " in second.reason
        assert second.report["alarms"] == first.report["alarms"]
        assert look(root, "c", now + PAUSE + timedelta(seconds=2)).state == "done"
        kept = past_reports(past_file(root, "casting"))
        assert [each.alarm_count for each in kept] == [len(first.report["alarms"])] * 4
        stored = {each["name"]: each["measures"] for each in first.report["columns"]}
        value = stored["die_temperature"]["skew"]["value"]
        assert kept[0].columns["die_temperature"]["skew"].value == pytest.approx(value, abs=1e-6)

    def test_each_alarm_is_told_once(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        sampled.sample(root, sampled.drifted())
        now = datetime.now(UTC)
        with receiving() as receiver:
            monkeypatch.setenv(WEBHOOK, receiver.url)
            first = look(root, "a", now)
            assert look(root, "b", now + timedelta(hours=1)).state == "skipped"
        [body] = receiver.bodies
        assert (body["event"], body["pipeline"], body["version"]) == ("drift", "casting", 1)
        assert body["alarms"] == first.report["alarms"]

    def test_another_version_alarms_at_once(self, root: Path, pushed: Path) -> None:
        sampled.sample(root, sampled.drifted())
        assert look(root, "a").state == "done"
        (root / "served").unlink()
        for number in (1, 2):
            sampled.version(root, number)
        # Of the new one there are no requests yet.
        seen = look(root, "b")
        assert seen.state == "skipped" and "0 of version 2" in seen.reason
        sampled.sample(root, sampled.drifted(), number=2)
        assert look(root, "b").state == "done"

    def test_as_a_task_calls_it(self, root: Path) -> None:
        sampled.sample(root, sampled.drifted())
        done = call(root, "--alarm", root / "alarm")
        assert done.returncode == 0, done.stderr
        assert (root / "alarm").read_text() == "yes"
        assert call(root).returncode == 0
        found = last_line(done)
        assert (found["node"], found["state"], found["version"]) == ("Monitor", "done", 1)
        assert len(found["alarms"]) > 3
        assert found["reason"].endswith(f"; and {len(found['alarms']) - 3} more")
        assert call(root, "--pause-hours", "6", "--run", "b").returncode == 99

    def test_what_can_not_be_read_is_a_failure(self, root: Path, tmp_path: Path) -> None:
        sampled.sample(root, sampled.as_trained())
        wanted = {**LIMITS, "labels": "nowhere.csv", "key": "part_id"}
        done = call(root, "--alarm", tmp_path / "alarm", limits=wanted)
        assert done.returncode == 1
        assert last_line(done)["state"] == "failed"
        assert "nowhere.csv" in last_line(done)["reason"]
        assert not (tmp_path / "alarm").exists()
