"""The last alarm that the orchestrators answered, kept below the root: one drift, one retrain.

An alarm is of a version. A retrain that pushes makes another version live, of which there are no
requests yet; so it ends the alarm by itself. One that pushes nothing (a gate refused, a node
failed, it still runs) leaves everything as it was: for a while no other alarm is raised then.
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
    """Returns the alarm for this version that another run raised after `since`, if one did.

    A run that is tried again finds its own alarm, and raises it again: nobody may have heard it.
    """
    last = _read(file)
    if last is None or last.version != version or last.run == run:
        return None
    return last if datetime.fromisoformat(last.raised) > since else None


def save(file: Path, alarm: Alarm) -> None:
    """Makes it the last alarm.

    Raises:
      OSError: the file can't be written.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    replace(file, json.dumps(asdict(alarm), sort_keys=True) + "\n")


def _read(file: Path) -> Alarm | None:
    """Returns the alarm in a file; None if there is none, or it is no use."""
    try:
        found: Any = json.loads(file.read_text(encoding="utf-8"))
        alarm = Alarm(int(found["version"]), str(found["run"]), str(found["raised"]))
        if datetime.fromisoformat(alarm.raised).tzinfo is None:
            return None
    except (OSError, ValueError, TypeError, KeyError):
        return None
    return alarm
