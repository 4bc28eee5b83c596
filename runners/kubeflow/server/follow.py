"""Follows a run at Kubeflow: a line for each node as it ends, then how the run ended."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

import click

from beltline.base.errors import BeltlineError, NodeFailed
from beltline.runners.kubeflow.server.api import Refused, Site, Unreachable
from beltline.runners.kubeflow.server.pod_logs import NoLog, PodLogs
from beltline.runners.kubeflow.tasks import Tasks
from beltline.runners.node.outcome import Outcome
from beltline.runners.result import Ending, ending

Report = Callable[[Outcome, float], None]
Answer = TypeVar("Answer")

PAUSE_SECONDS = 3.0
PATIENCE_SECONDS = 60.0

_DONE, _FAILED, _CANCELED = "SUCCEEDED", "FAILED", "CANCELED"
# A task that was left out is never more than SKIPPED, and so says nothing.
_ENDED = (_DONE, _FAILED, _CANCELED)
_OVER = (*_ENDED, "SKIPPED")
_KILLED = "its pod ended without a word (out of memory, or it never started?)"


class Left(BeltlineError):
    """Ctrl-C while a run was followed: the run goes on."""

    exit_code = 130


@dataclass
class _Followed:
    site: Site
    run: str
    tasks: Tasks
    report: Report
    logs: PodLogs
    outcomes: dict[str, Outcome] = field(default_factory=dict)
    without_logs: bool = False


def follow(site: Site, run: str, tasks: Tasks, namespace: str, report: Report) -> Ending:
    """Follows a run to its end, and returns how it ended.

    `report` is called for each node that has ended, with its outcome and seconds.

    Raises:
      Left: Ctrl-C; the run goes on.
      NodeFailed: the run was canceled.
      BeltlineError: the connection was lost; the run goes on.
    """
    followed = _Followed(site, run, tasks, report, PodLogs(site, run, namespace))
    try:
        found = _patiently(lambda: site.run(run))
        while found.state not in _OVER:
            _show(followed, found)
            time.sleep(PAUSE_SECONDS)
            found = _patiently(lambda: site.run(run))
        _show(followed, found)
        return _ending(followed, found)
    except KeyboardInterrupt:
        raise Left(f"no longer following; {_goes_on(site, run)}") from None
    except (Refused, Unreachable) as error:
        raise BeltlineError(f"{error}\n  {_goes_on(site, run)}") from None


def _goes_on(site: Site, run: str) -> str:
    return f"the run goes on: look at it, or end it with Terminate, at {site.page(run)}"


def _patiently(ask: Callable[[], Answer]) -> Answer:
    """Returns what `ask` returns, called again and again where the connection is lost."""
    until = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            return ask()
        except Unreachable:
            if time.monotonic() > until:
                raise
            time.sleep(PAUSE_SECONDS)


def _show(followed: _Followed, found: Any) -> None:
    """Reports the nodes that have ended since the last time, in the order in which they did."""
    names = {**followed.tasks.nodes, **{task: task for task in followed.tasks.others}}
    details = found.run_details.task_details if found.run_details else None
    if details is None and found.state in _OVER:
        _say_once(followed, "Kubeflow tells no states of tasks")
    ended = [
        each
        for each in details or ()
        if each.display_name in names
        and each.state in _ENDED
        and names[each.display_name] not in followed.outcomes
    ]
    for task in sorted(ended, key=lambda each: str(each.end_time)):
        name = names[task.display_name]
        followed.outcomes[name] = outcome = _outcome(followed, task, name)
        # What else runs is of interest where it fails.
        if task.display_name in followed.tasks.nodes or outcome.state == "failed":
            followed.report(outcome, _seconds(task))


def _seconds(task: Any) -> float:
    times = (task.start_time, task.end_time)
    return (task.end_time - task.start_time).total_seconds() if all(times) else 0.0


def _outcome(followed: _Followed, task: Any, name: str) -> Outcome:
    done = task.state == _DONE
    if task.display_name not in followed.tasks.nodes:
        return Outcome(name, "done" if done else "failed", reason="" if done else _SEE_LOG)
    try:
        found = _patiently(lambda: followed.logs.outcome(task.display_name, name))
    except NoLog as error:
        _say_once(followed, str(error))
        return Outcome(name, "done" if done else "failed", reason="" if done else _SEE_LOG)
    if found is not None and (done or found.exit_code):
        return found
    return Outcome(name, "done") if done else Outcome(name, "failed", reason=_KILLED)


_SEE_LOG = "its log is in Kubeflow"


def _say_once(followed: _Followed, why: str) -> None:
    if not followed.without_logs:
        followed.without_logs = True
        click.echo(f"  (less is known of the nodes than otherwise: {why})")


def _ending(followed: _Followed, found: Any) -> Ending:
    """Returns how the run ended: by its own report, else by its nodes, else by its state."""
    if _is_canceled(found):
        raise NodeFailed("the run was canceled in Kubeflow; what was done stays done")
    try:
        said = _patiently(lambda: followed.logs.ending(followed.tasks.report))
    except NoLog:
        said = None
    if said is not None:
        return said
    order = [*followed.tasks.others, *followed.tasks.nodes.values()]
    nodes = [followed.outcomes[name] for name in order if name in followed.outcomes]
    by_nodes = ending(nodes, followed.run)
    if found.state == _DONE or by_nodes.end != "done":
        return by_nodes
    reason = found.error.message if found.error and found.error.message else "Kubeflow says so"
    return Ending("failed", "the run", reason, code=NodeFailed.exit_code, run=followed.run)


def _is_canceled(found: Any) -> bool:
    # Kubeflow calls a run that it has ended before its time failed, too.
    before = [each.state for each in found.state_history or ()]
    return found.state == _CANCELED or (found.state == _FAILED and "CANCELING" in before)
