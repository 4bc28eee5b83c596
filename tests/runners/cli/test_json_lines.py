"""A run as JSON, an object a line."""

import json

from beltline.runners.cli.json_lines import JsonLines, print_result
from beltline.runners.node.outcome import Outcome
from beltline.runners.result import RunResult


def test_each_event_is_a_line(capsys):
    watch = JsonLines()
    watch.started("Trainer")
    watch.ended(Outcome("Trainer", "failed", reason="too cold\nfar too cold"), 1.23456)
    print_result(RunResult("failed", "Trainer", "too cold\nfar too cold", code=1, run="r1"))
    assert [json.loads(line) for line in capsys.readouterr().out.splitlines()] == [
        {"event": "started", "node": "Trainer"},
        {
            "event": "ended",
            "node": "Trainer",
            "state": "failed",
            "seconds": 1.235,
            "detail": "too cold",
        },
        {
            "event": "result",
            "end": "failed",
            "node": "Trainer",
            "reason": "too cold\nfar too cold",
            "version": "",
            "code": 1,
            "run": "r1",
            "waiting": "",
        },
    ]
