"""A run for machines: one JSON object a line, `beltline run --json`.

{"event": "started", "node": "Trainer"}
{"event": "ended", "node": "Trainer", "state": "done", "seconds": 20.1, "detail": "…"}
{"event": "result", "end": "done", "node": "", "reason": "", "version": "3", "code": 0,
 "run": "…"}
"""

import json
from dataclasses import asdict
from typing import Any

import click

from beltline.runners.local.watch import Watch
from beltline.runners.node.outcome import Outcome
from beltline.runners.progress import detail_of
from beltline.runners.result import RunResult


class JsonLines(Watch):
    """Prints an object for each node that begins or ends."""

    def started(self, node: str) -> None:
        """Prints that it begins."""
        _print("started", {"node": node})

    def ended(self, outcome: Outcome, seconds: float) -> None:
        """Prints how it has ended."""
        told = {"node": outcome.node, "state": outcome.state, "seconds": round(seconds, 3)}
        _print("ended", {**told, "detail": detail_of(outcome)})


def print_result(result: RunResult) -> None:
    """Prints the last object."""
    _print("result", asdict(result))


def _print(event: str, values: dict[str, Any]) -> None:
    click.echo(json.dumps({"event": event, **values}))
