"""The last alarm, stored in the root, so that one drift starts one retrain.

An alarm is about a version. A retrain that pushes makes another version live, which has no requests
yet, and so clears the alarm. A retrain that pushes nothing (a gate refused, a node failed, it is
still running) changes nothing: then no other alarm is raised during a pause.
"""

import json
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from beltline.base.files import replace


@dataclass(frozen=True)
class Alarm:
    """An alarm for a version: the run of the monitoring that raised it, and when, an ISO time."""

    version: int
    run: str
    raised: str


def recent_alarm(file: Path, version: int, run: str, since: datetime) -> Alarm | None:
    """Returns the alarm about this version that another run raised after `since`, or None.

    A retried run raises its own alarm again: the orchestrator may not have received it.
    """
    last = _read(file)
    if last is None or last.version != version or last.run == run:
        return None
    return last if datetime.fromisoformat(last.raised) > since else None


def save(file: Path, alarm: Alarm) -> None:
    """Stores the last alarm."""
    file.parent.mkdir(parents=True, exist_ok=True)
    replace(file, json.dumps(asdict(alarm), sort_keys=True) + "\n")


def _read(file: Path) -> Alarm | None:
    """Returns the alarm in a file; None if there is none, or it is invalid."""
    try:
        found: Any = json.loads(file.read_text(encoding="utf-8"))
        alarm = Alarm(int(found["version"]), str(found["run"]), str(found["raised"]))
        if datetime.fromisoformat(alarm.raised).tzinfo is None:
            return None
    except (OSError, ValueError, TypeError, KeyError):
        return None
    return alarm
