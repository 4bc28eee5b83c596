"""Posts a run, or an alarm of the monitoring, as JSON to a URL (`tracking.webhook`)."""

import json
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import requests

from beltline.base.settings.tracking import Tracking, Webhook
from beltline.runners.paths import WEBHOOK
from beltline.runners.tracking.failures import NotTold, safely
from beltline.runners.tracking.http import send

if TYPE_CHECKING:
    from beltline.runners.tracking.ended import EndedRun


def track(ended: "EndedRun", tracking: Tracking) -> None:
    """Posts the run if its event is among those of the settings.

    Raises:
      NotTold: there is no URL, or the receiver did not take it.
    """
    _post(ended.as_json(), tracking)


def tell_drift(tracking: Tracking, pipeline: str, report: Mapping[str, Any]) -> list[str]:
    """Posts an alarm of the monitoring; returns what went wrong, if anything did.

    Args:
      tracking: the section.
      pipeline: the pipeline's name.
      report: the report as JSON.
    """
    if tracking.webhook is None and not os.environ.get(WEBHOOK):
        return []
    version, alarms = report["version"], "; ".join(report["alarms"])
    body = {
        "event": "drift",
        "pipeline": pipeline,
        "text": f"{pipeline}: live requests of version {version} have drifted: {alarms}",
        "node": "Monitor",
        "reason": alarms,
        **report,
    }
    return safely("tracking.webhook", f"drift of version {version}", lambda: _post(body, tracking))


def _post(body: Mapping[str, Any], tracking: Tracking) -> None:
    hook = tracking.webhook or Webhook()
    if body["event"] not in hook.events:
        return
    url = os.environ.get(WEBHOOK) or hook.url
    if not url:
        raise NotTold(f"it has no URL: set `url`, or {WEBHOOK} where the run ends")
    content = json.dumps(body, allow_nan=False)
    with requests.Session() as http:
        send(http, "POST", url, data=content, headers={"Content-Type": "application/json"})
