"""The served model, watched where nodes run: is there an alarm that a retrain should answer?

`python -m beltline.runners.monitor --served DIR --watch JSON --run ID`, called like a node by the
orchestrators; the last line on stdout is one JSON object, as a node's, with the report besides. The
report is a page too, `monitoring/<name>.html` below the root, as that of `beltline monitor`.

Exit codes: 0 an alarm was raised, 99 nothing is to do, 1 failed, 2 the options are wrong. With
`--alarm FILE`, `yes` or `no` goes to a file and nothing to do is 0 too: Kubeflow knows success and
failure alone.
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
from beltline.runners.node.outcome import DONE, FAILED, SKIPPED
from beltline.runners.node.parameters import check_run
from beltline.runners.node.run import set_up_logging
from beltline.runners.paths import Paths
from beltline.versions.live import live

if TYPE_CHECKING:
    from beltline.serving.monitoring import Report, Watch

NODE = "Monitor"
YES, NO = "yes", "no"
FOLDER = "monitoring"
_SHOWN = 3
_CODES = {"done": DONE, "skipped": SKIPPED, "failed": FAILED}

log = logging.getLogger("beltline.monitor")


@dataclass(frozen=True)
class MonitorJob:
    """What is watched, and for which run of the monitoring.

    `served` is the folder of versions, relative to the root, and `limits` the settings' section
    `monitoring`. `pause` is how long after an alarm the same version raises no other one.
    """

    served: str
    limits: Mapping[str, Any]
    run: str
    pause: timedelta

    def watch(self, paths: Paths) -> "Watch":
        """Returns what is compared.

        Raises:
          KeyError, TypeError: the limits are those of another release.
        """
        # Not needed where the options are wrong.
        from beltline.serving.monitoring import Watch

        served = paths.root / self.served
        return Watch.from_settings(self.limits, served, paths.root, paths.data)


@dataclass(frozen=True)
class MonitorResult:
    """How watching ended: `done` (an alarm was raised), `skipped` or `failed`; and the report."""

    state: str
    reason: str
    report: Mapping[str, Any] = field(default_factory=dict)

    def line(self) -> str:
        """Returns the JSON object that is printed last."""
        return json.dumps({"node": NODE, "state": self.state, "reason": self.reason, **self.report})


def run_monitor(order: MonitorJob, paths: Paths, now: datetime | None = None) -> MonitorResult:
    """Compares, writes the page, and raises an alarm unless the version has raised one of late.

    Raises:
      BeltlineError: what is to be compared can't be read.
      OSError: the root can't be written.
    """
    watch, now = order.watch(paths), now or datetime.now(UTC)
    if reason := _nothing_yet(watch):
        return MonitorResult("skipped", reason)
    from beltline.serving.monitoring import monitor
    from beltline.serving.monitoring.page import page

    report = monitor(watch, now)
    written = paths.root / FOLDER / f"{watch.folder.name}.html"
    written.parent.mkdir(parents=True, exist_ok=True)
    replace(written, page(report))
    return _answer(order, report, written.with_suffix(".alarm.json"), now)


def _nothing_yet(watch: "Watch") -> str:
    """Returns why there is nothing to compare; empty if there is."""
    if live(watch.folder) is None:
        return f"{watch.folder}: no version has been pushed yet"
    # This loads TensorFlow.
    from beltline.serving.monitoring.samples import sampled_versions

    if not sampled_versions(watch.requests):
        return f"{watch.requests}: there are no samples of requests yet"
    return ""


def _answer(order: MonitorJob, report: "Report", last: Path, now: datetime) -> MonitorResult:
    found = report.as_json()
    if not report.alarms:
        none = f"no alarm in {report.rows} rows of version {report.version}."
        return MonitorResult("skipped", " ".join([none, *report.notes]), found)
    reason = _shortly(report.alarms)
    before = recent_alarm(last, report.version, order.run, now - order.pause)
    if before:
        waits = f"version {before.version} raised an alarm at {before.raised} (run {before.run})"
        hours = order.pause.total_seconds() / 3600
        return MonitorResult("skipped", f"{waits}, and waits {hours:g} hours: {reason}", found)
    save(last, Alarm(report.version, order.run, now.isoformat(timespec="seconds")))
    return MonitorResult("done", reason, found)


def _shortly(alarms: list[str]) -> str:
    """Returns the most important alarms in a line; the report has all of them."""
    more = len(alarms) - _SHOWN
    return "; ".join(alarms[:_SHOWN]) + (f"; and {more} more" if more > 0 else "")


def _run(order: MonitorJob) -> MonitorResult:
    """Returns how watching ended, whatever happened."""
    try:
        return run_monitor(order, Paths.from_environment())
    except BeltlineError as error:
        return MonitorResult("failed", str(error))
    except Exception as error:
        log.exception("%s failed", NODE)
        return MonitorResult("failed", f"{type(error).__name__}: {error}")


def _limits(_: click.Context, __: click.Parameter, text: str) -> Any:
    """Reads the section; what it lacks is that of another release."""
    try:
        limits = json.loads(text)
        MonitorJob("served", limits, "", timedelta()).watch(Paths.from_environment())
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        why = f"{type(error).__name__}: {error}"
        raise click.BadParameter(
            f"no section `monitoring` that this release knows ({why}): compile again with it"
        ) from None
    return limits


def _tell(file: Path, alarm: bool) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(YES if alarm else NO)


@click.command()
@click.option("--served", required=True, help="The folder of versions, relative to the root.")
@click.option(
    "--watch", "limits", required=True, callback=_limits, help="The section `monitoring`, as JSON."
)
@click.option("--run", required=True, help="The id of this run of the monitoring.")
@click.option(
    "--pause-hours",
    "hours",
    type=click.FloatRange(min=0),
    default=0.0,
    help="After an alarm, how long the same version raises no other one.",
)
@click.option(
    "--alarm",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write `yes` or `no` here; nothing to do is a success then.",
)
def main(served: str, limits: Any, run: str, hours: float, alarm: Path | None) -> None:
    """Look whether the served model has to learn."""
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
    # TensorFlow's threads may outlive the work; nothing is left for them to do.
    os._exit(code)
