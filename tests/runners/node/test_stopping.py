"""A signal is heard wherever it comes, and does not disturb what it has set off."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

# They wait for what comes a second after a signal.
pytestmark = pytest.mark.slow

FINALIZING = """
class Object:
    def __del__(self):
        print("ready", flush=True)
        time.sleep(60)  # Python drops what a handler raises here

Object()
while True:
    time.sleep(0.05)
"""
MARKING = """
try:
    print("ready", flush=True)
    time.sleep(60)
except Exception as error:
    time.sleep(1.3)  # the execution is marked meanwhile
    print("marked", flush=True)
    raise
"""
PROGRAM = """
import time
from beltline.runners.node.stopping import NodeStopped, stop_on_signals

with stop_on_signals() as stopped:
    try:
{body}
    except NodeStopped as error:
        print("heard:", error, flush=True)
time.sleep(1.2)
print("went on:", stopped, flush=True)
"""


@pytest.mark.parametrize("body", [FINALIZING, MARKING], ids=["finalizing", "marking"])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_is_heard_once(body: str, number: signal.Signals) -> None:
    inside = "".join(f"        {line}\n" for line in body.splitlines())
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM.format(body=inside)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[3],
    )
    assert process.stdout is not None and process.stdout.readline() == "ready\n"
    os.kill(process.pid, number)
    out, err = process.communicate(timeout=20)
    why = f"stopped by {number.name}"
    marked = ["marked"] if body is MARKING else []
    assert out.splitlines() == [*marked, f"heard: {why}", f"went on: ['{why}']"], err
