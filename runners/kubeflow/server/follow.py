"""Follows a run in Kubeflow: a line for each node as it ends, then the result."""

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, TypeVar

import click

from beltline.base.errors import BeltlineError, NodeFailed
from beltline.runners.kubeflow.server.api import ApiError, ApiUnreachable, KubeflowApi
from beltline.runners.kubeflow.server.pod_logs import NoLog, PodLogs
from beltline.runners.kubeflow.tasks import Tasks
from beltline.runners.node.outcome import FAILED, Outcome
from beltline.runners.result import RunResult, run_result

OnNodeEnd = Callable[[Outcome, float], None]
Answer = TypeVar("Answer")

PAUSE_SECONDS = 3.0
PATIENCE_SECONDS = 60.0

_DONE, _FAILED, _CANCELED = "SUCCEEDED", "FAILED", "CANCELED"
# A task that doesn't run is SKIPPED, which tells nothing about its node.
_ENDED = (_DONE, _FAILED, _CANCELED)
_OVER = (*_ENDED, "SKIPPED")
_KILLED = "no result was recorded (out of memory, or it never started?); see the pod's log"


class Detached(BeltlineError):
    """Ctrl-C while following a run, which continues."""

    exit_code = 130


@dataclass
class _Following:
    api: KubeflowApi
    run: str
    tasks: Tasks
    on_node_end: OnNodeEnd
    logs: PodLogs
    pressed: threading.Event
    outcomes: dict[str, Outcome] = field(default_factory=dict)
    shown: set[str] = field(default_factory=set)
    without_logs: bool = False


def follow(
    api: KubeflowApi, run: str, tasks: Tasks, namespace: str, on_node_end: OnNodeEnd
) -> RunResult:
    """Follows a run to its end, and returns its result.

    Args:
      api: Kubeflow's API.
      run: the run's id.
      tasks: the tasks of the package.
      namespace: the namespace of its pods.
      on_node_end: called for each node that has ended, with its outcome and seconds.

    Raises:
      Detached: Ctrl-C; the run continues.
      BeltlineError: the connection was lost; the run continues.
    """
    try:
        with _ctrl_c() as pressed:
            logs = PodLogs(api, run, namespace)
            following = _Following(api, run, tasks, on_node_end, logs, pressed)
            found = _retry_unreachable(following, lambda: api.run(run))
            while found.state not in _OVER:
                _show(following, found)
                _pause(following)
                found = _retry_unreachable(following, lambda: api.run(run))
                following.logs.refresh()
            _show(following, found)
            return _result(following, found)
    except KeyboardInterrupt:
        raise Detached(f"stopped following; {_still_running(api, run)}") from None
    except (ApiError, ApiUnreachable) as error:
        raise BeltlineError(f"{error}\n  {_still_running(api, run)}") from None


@contextmanager
def _ctrl_c() -> Iterator[threading.Event]:
    """Yields an event that Ctrl-C sets; a second Ctrl-C raises KeyboardInterrupt at once.

    Raised wherever the first one comes, it could be lost in a finalizer of Kubeflow's client.
    """
    pressed = threading.Event()

    def press(number: int, _: object) -> None:
        pressed.set()
        signal.signal(number, signal.default_int_handler)

    before = signal.signal(signal.SIGINT, press)
    try:
        yield pressed
    finally:
        signal.signal(signal.SIGINT, before)


def _pause(following: _Following) -> None:
    if following.pressed.wait(PAUSE_SECONDS):
        raise KeyboardInterrupt


def _still_running(api: KubeflowApi, run: str) -> str:
    return f"the run continues: see it, or terminate it, at {api.page(run)}"


def _retry_unreachable(following: _Following, ask: Callable[[], Answer]) -> Answer:
    """Returns the result of `ask`, retried while Kubeflow is not reachable."""
    until = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            return ask()
        except ApiUnreachable:
            if time.monotonic() > until:
                raise
            _pause(following)


def _show(following: _Following, found: Any) -> None:
    """Reports the nodes that have ended since the last call, in the order they ended."""
    details = found.run_details.task_details if found.run_details else None
    if details is None and found.state in _OVER:
        _note_once(following, "Kubeflow returned no task states")
    known = {*following.tasks.nodes, *following.tasks.others} - following.shown
    ended = [task for task in details or () if task.display_name in known and task.state in _ENDED]
    for task in sorted(ended, key=lambda each: str(each.end_time)):
        following.shown.add(task.display_name)
        for outcome, seconds in _outcomes(following, task):
            following.outcomes[outcome.node] = outcome
            # The other tasks are of interest only if they fail.
            if task.display_name in following.tasks.nodes or outcome.state == "failed":
                following.on_node_end(outcome, seconds)


def _seconds(task: Any) -> float:
    times = (task.start_time, task.end_time)
    return (task.end_time - task.start_time).total_seconds() if all(times) else 0.0


def _outcomes(following: _Following, task: Any) -> list[tuple[Outcome, float]]:
    """Returns the outcomes of a task's nodes with their seconds, in the pipeline's order."""
    name, done = task.display_name, task.state == _DONE
    nodes = following.tasks.nodes.get(name, (name,))
    reason = _KILLED
    found: dict[str, tuple[Outcome, float]] = {}
    try:
        if name in following.tasks.nodes:
            found = _retry_unreachable(following, lambda: following.logs.outcomes(name, nodes))
        else:
            reason = _SEE_LOG
    except NoLog as error:
        _note_once(following, str(error))
        reason = _SEE_LOG
    # Of several nodes nobody knows how long each took.
    seconds = _seconds(task) if len(nodes) == 1 else 0.0
    if done:
        return [found.get(node, (Outcome(node, "done"), seconds)) for node in nodes]
    logged = [found[node] for node in nodes if node in found]
    if any(outcome.exit_code == FAILED for outcome, _ in logged):
        return logged
    killed = next((node for node in nodes if node not in found), nodes[-1])
    ended = [each for each in logged if each[0].node != killed]
    return [*ended, (Outcome(killed, "failed", reason=reason), seconds)]


_SEE_LOG = "its log is in Kubeflow"


def _note_once(following: _Following, why: str) -> None:
    if not following.without_logs:
        following.without_logs = True
        click.echo(f"  (details of the nodes are not available: {why})")


def _result(following: _Following, found: Any) -> RunResult:
    """Returns the result of the run: from its report, else from its nodes, else from its state."""
    if _is_canceled(found):
        raise NodeFailed("the run was canceled in Kubeflow; finished nodes are not run again")
    try:
        said = _retry_unreachable(
            following, lambda: following.logs.run_result(following.tasks.report)
        )
    except NoLog:
        said = None
    if said is not None:
        return said
    order = [*following.tasks.others, *chain(*following.tasks.nodes.values())]
    nodes = [following.outcomes[name] for name in order if name in following.outcomes]
    by_nodes = run_result(nodes, following.run)
    if found.state == _DONE or by_nodes.end != "done":
        return by_nodes
    reason = found.error.message if found.error and found.error.message else "Kubeflow says so"
    return RunResult("failed", "the run", reason, code=NodeFailed.exit_code, run=following.run)


def _is_canceled(found: Any) -> bool:
    # Kubeflow also reports a canceled run as failed.
    before = [each.state for each in found.state_history or ()]
    return found.state == _CANCELED or (found.state == _FAILED and "CANCELING" in before)
