"""The local runner: a bundle's nodes one after the other, each in a process forked from this one.

This process imports TFX once and starts no TensorFlow operation, so that a child can be forked for
each node (see docs/architecture.md); memory goes back after each node, and each has its own log.
"""

import importlib
import json
import logging
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

from bundle.errors import BeltlineError, WrongInput
from bundle.folder import Bundle
from runners.metadata import Lineage
from runners.node import run_node, set_up_logging
from runners.outcome import Outcome
from runners.parent import end_with_parent
from runners.partial import reuse_results
from runners.places import Places
from runners.settle import settle

# What the nodes import; loaded before the first fork, so that they find it there.
SHARED = (
    "tfx.components",
    "tfx.orchestration.local.runner_utils",
    "tfx.orchestration.portable.launcher",
    "tfx.orchestration.portable.partial_run_utils",
)
GRACE_SECONDS = 20

Report = Callable[[Outcome, float], None]


class Stopped(BeltlineError):
    """The run was stopped from outside: 128 + SIGINT, as every shell has it."""

    exit_code = 130


@dataclass(frozen=True)
class Request:
    """What to run: `nodes` in order; `forced` ones even where a result is cached."""

    run: str
    nodes: list[str]
    forced: frozenset[str] = frozenset()
    parameters: dict[str, str | int] = field(default_factory=dict)


def run(bundle: Bundle, places: Places, request: Request, report: Report) -> list[Outcome]:
    """Runs the nodes and returns how each ended; the last one failed or refused if any did.

    `report` is called after each node with its outcome and seconds.

    Raises:
      WrongInput: the nodes before the first one have no results to build on.
      Stopped: SIGINT or SIGTERM came; the node in work is marked failed.
    """
    for module in SHARED:
        importlib.import_module(module)
    # Beforehand and alone: processes that create the same tables at once get in each other's way.
    Lineage(places.metadata, bundle.manifest.name)
    if request.nodes != [node.id for node in bundle.manifest.nodes] and not _is_head(
        bundle, request
    ):
        _in_child(lambda: reuse_results(bundle, places, request.run, request.nodes))
    outcomes: list[Outcome] = []
    for node in request.nodes:
        started = time.monotonic()
        outcome = _run_in_child(bundle, node, places, request)
        outcomes.append(outcome)
        report(outcome, time.monotonic() - started)
        if outcome.exit_code == 1:
            break
    return outcomes


def _is_head(bundle: Bundle, request: Request) -> bool:
    """Returns whether nothing before the chosen nodes is left out."""
    chosen = set(request.nodes)
    return all(set(bundle.manifest.node(node).upstream) <= chosen for node in chosen)


def _run_in_child(bundle: Bundle, node: str, places: Places, request: Request) -> Outcome:
    log = places.log(request.run, node)
    log.parent.mkdir(parents=True, exist_ok=True)

    def work() -> str:
        _redirect(log)
        set_up_logging()
        force = node in request.forced
        outcome = run_node(bundle, node, request.run, places, request.parameters, force)
        if outcome.reason:
            logging.getLogger("beltline.node").info("%s: %s", outcome.state, outcome.reason)
        return outcome.line()

    try:
        answer = _in_child(work)
    except WrongInput as error:
        return Outcome(node, "failed", reason=str(error))
    if answer:
        return Outcome.from_line(answer)
    # It was killed, and could not say so itself.
    reason = f"its process was killed (out of memory?); the log is {log}"
    settle(places, bundle.manifest.name, request.run, reason)
    return Outcome(node, "failed", reason=reason)


def _in_child(work: Callable[[], str | None]) -> str:
    """Does `work` in a forked process and returns what it returned; empty if it was killed.

    Raises:
      WrongInput: `work` raised it.
      Stopped: this process was asked to stop; the child has ended.
    """
    reading, writing = os.pipe()
    sys.stdout.flush()
    sys.stderr.flush()
    child = os.fork()
    if child == 0:
        os.close(reading)
        _child(writing, work)
    os.close(writing)
    with _passing_on_signals(child) as stopped:
        with os.fdopen(reading, encoding="utf-8") as answers:
            text = answers.read()
        os.waitpid(child, 0)
    if stopped:
        raise Stopped(f"stopped by {stopped[0]}")
    answer = json.loads(text) if text else {}
    if "error" in answer:
        raise WrongInput(answer["error"])
    return str(answer.get("result") or "")


def _child(writing: int, work: Callable[[], str | None]) -> None:
    """The forked process: never returns."""
    code = 1
    try:
        # Should the parent be killed, the node must not go on alone.
        end_with_parent()
        answer = {"result": work()}
        code = 0
    except WrongInput as error:
        answer = {"error": str(error)}
    except BaseException:
        traceback.print_exc()
        answer = {}
    with os.fdopen(writing, "w", encoding="utf-8") as out:
        out.write(json.dumps(answer))
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _redirect(log: Path) -> None:
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    for stream in (1, 2):
        os.dup2(descriptor, stream)
    os.close(descriptor)


@contextmanager
def _passing_on_signals(child: int) -> Iterator[list[str]]:
    """Passes SIGINT and SIGTERM on to the child, then SIGKILL if it takes too long."""
    stopped: list[str] = []

    def pass_on(number: int, _: FrameType | None) -> None:
        if number == signal.SIGALRM:
            os.kill(child, signal.SIGKILL)
            return
        stopped.append(signal.Signals(number).name)
        os.kill(child, signal.SIGTERM)
        signal.alarm(GRACE_SECONDS)

    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGALRM)
    before = {number: signal.signal(number, pass_on) for number in numbers}
    try:
        yield stopped
    finally:
        signal.alarm(0)
        for number, handler in before.items():
            signal.signal(number, handler)
