"""Monitoring as a node: raises an alarm if the live version should be retrained.

`python -m beltline.runners.monitor --served DIR --watch JSON --run ID`, started by an orchestrator
as a node would be. The last line on stdout is one JSON object like a node's, with the report. It
also writes what `beltline monitor` writes: the page, `monitoring/<name>.html` in the root, and a
line of `monitoring/<name>.reports.jsonl`.

Exit codes: 0 an alarm was raised, 99 no alarm, 1 failed, 2 invalid options. With `--alarm FILE`,
`yes` or `no` is written to a file and no alarm is 0 too: Kubeflow only has success and failure.
"""

import json
import logging
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from beltline.base.errors import BeltlineError
from beltline.base.files import replace
from beltline.runners.monitor.alarms import Alarm, recent_alarm, save
from beltline.runners.monitor.past import FOLDER, past_file, remember
from beltline.runners.node.outcome import DONE, FAILED, SKIPPED
from beltline.runners.node.parameters import check_run
from beltline.runners.node.run import set_up_logging
from beltline.runners.paths import Paths
from beltline.runners.tracking.webhook import tell_drift
from beltline.versions.live import live
from beltline.versions.store import place_of

if TYPE_CHECKING:
    from beltline.serving.monitoring import MonitoringConfig, MonitoringReport

NODE = "Monitor"
YES, NO = "yes", "no"
_SHOWN = 3
_CODES = {"done": DONE, "skipped": SKIPPED, "failed": FAILED}

log = logging.getLogger("beltline.monitor")


@dataclass(frozen=True)
class MonitorJob:
    """One run of the monitoring.

    `served` is the folder of versions, relative to the root, or a URL, and `limits` the settings'
    section `monitoring`. For `pause` after an alarm, the same version raises no other one.
    """

    served: str
    limits: Mapping[str, Any]
    run: str
    pause: timedelta

    def watch(self, paths: Paths) -> "MonitoringConfig":
        """Returns what is compared.

        Raises:
          ValueError: the limits are those of another release.
        """
        # Not needed if the options are invalid.
        from beltline.serving.monitoring import MonitoringConfig

        served = place_of(paths.root, self.served)
        return MonitoringConfig.from_settings(self.limits, served, paths.root, paths.data)


@dataclass(frozen=True)
class MonitorResult:
    """The result: `done` (an alarm was raised), `skipped` or `failed`; and the report."""

    state: str
    reason: str
    report: Mapping[str, Any] = field(default_factory=dict)

    def line(self) -> str:
        """Returns the result as the JSON object that is printed last."""
        return json.dumps({"node": NODE, "state": self.state, "reason": self.reason, **self.report})


def run_monitor(job: MonitorJob, paths: Paths, now: datetime | None = None) -> MonitorResult:
    """Compares, writes the page, and raises an alarm unless the version has raised one recently."""
    watch, now = job.watch(paths), now or datetime.now(UTC)
    if reason := _nothing_yet(watch):
        return MonitorResult("skipped", reason)
    from beltline.serving.monitoring import monitor
    from beltline.serving.monitoring.page import page

    report = monitor(watch, now)
    name = watch.folder.name
    written = paths.root / FOLDER / f"{name}.html"
    written.parent.mkdir(parents=True, exist_ok=True)
    replace(written, page(report))
    remember(past_file(paths.root, name), report.as_json())
    answer = _answer(job, report, written.with_suffix(".alarm.json"), now)
    if answer.state == "done":
        for problem in tell_drift(paths.tracking, name, answer.report):
            log.warning("%s", problem)
    return answer


def _nothing_yet(watch: "MonitoringConfig") -> str:
    """Returns why there is nothing to compare yet; empty otherwise."""
    if live(watch.folder) is None:
        return f"{watch.folder}: no version has been pushed yet"
    # This imports TensorFlow.
    from beltline.serving.monitoring.samples import sampled_versions

    if not sampled_versions(watch.requests):
        return f"{watch.requests}: no request samples yet"
    return ""


def _answer(
    job: MonitorJob, report: "MonitoringReport", last: Path, now: datetime
) -> MonitorResult:
    found = report.as_json()
    if not report.alarms:
        none = f"no alarm in {report.rows} rows of version {report.version}."
        return MonitorResult("skipped", " ".join([none, *report.notes]), found)
    reason = _shortly(report.alarms)
    before = recent_alarm(last, report.version, job.run, now - job.pause)
    if before:
        last_one = f"version {before.version} raised an alarm at {before.raised} (run {before.run})"
        hours = job.pause.total_seconds() / 3600
        return MonitorResult("skipped", f"{last_one}; paused for {hours:g} hours: {reason}", found)
    save(last, Alarm(report.version, job.run, now.isoformat(timespec="seconds")))
    return MonitorResult("done", reason, found)


def _shortly(alarms: list[str]) -> str:
    """Returns the most important alarms in one line; the report has all of them."""
    more = len(alarms) - _SHOWN
    return "; ".join(alarms[:_SHOWN]) + (f"; and {more} more" if more > 0 else "")


def _run(job: MonitorJob) -> MonitorResult:
    """Returns the result, also of an unexpected failure."""
    try:
        return run_monitor(job, Paths.from_environment())
    except BeltlineError as error:
        return MonitorResult("failed", str(error))
    except Exception as error:
        log.exception("%s failed", NODE)
        return MonitorResult("failed", f"{type(error).__name__}: {error}")


def _limits(_: click.Context, __: click.Parameter, text: str) -> Any:
    """Parses the section; one that is incomplete is that of another release."""
    try:
        limits = json.loads(text)
        MonitorJob("served", limits, "", timedelta()).watch(Paths.from_environment())
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        why = f"{type(error).__name__}: {error}"
        raise click.BadParameter(
            f"invalid section `monitoring` for this release ({why}): compile again with it"
        ) from None
    return limits


def _tell(file: Path, alarm: bool) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(YES if alarm else NO, encoding="utf-8")


@click.command()
@click.option(
    "--served", required=True, help="The folder of versions, relative to the root; or a URL."
)
@click.option(
    "--watch", "limits", required=True, callback=_limits, help="The section `monitoring`, as JSON."
)
@click.option("--run", required=True, help="The id of this run of the monitoring.")
@click.option(
    "--pause-hours",
    "hours",
    type=click.FloatRange(min=0),
    default=0.0,
    help="Hours after an alarm in which the same version raises no other one.",
)
@click.option(
    "--alarm",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write `yes` or `no` to this file; no alarm is then exit code 0.",
)
def main(served: str, limits: Any, run: str, hours: float, alarm: Path | None) -> None:
    """Check whether the live version should be retrained."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    set_up_logging()
    check_run(run)
    seen = _run(MonitorJob(served, limits, run, timedelta(hours=hours)))
    code = _CODES[seen.state]
    if alarm and seen.state != "failed":
        _tell(alarm, seen.state == "done")
        code = DONE
    click.echo(f"{NODE} {seen.state}: {seen.reason}", err=True)
    click.echo(seen.line())
    sys.stdout.flush()
    # Without waiting for TensorFlow's threads: they have nothing left to do.
    os._exit(code)
