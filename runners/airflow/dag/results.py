"""What the log of a task says of its nodes, and how the task ends.

Beside `dag.py` in the folder that Airflow loads; see there.
"""

import json
import logging
import re
import signal
from collections.abc import Mapping, Sequence
from typing import Any

from airflow.sdk import Asset
from airflow.sdk.exceptions import AirflowException, AirflowFailException, AirflowSkipException

from .nodes import SKIPPED, WRONG_OPTIONS, Context, log

Result = dict[str, Any]

PUSHER = "Pusher"
# The property of its output that names the version that waits for approval, and the key under which
# the task passes it on.
WAITING = "waiting_version"
_RECORD = re.compile(r"[\d-]{10} [\d:,]+ (DEBUG|INFO|WARNING|ERROR|CRITICAL) ([^\s:]+): (.*)")
# As runners/pods/log_line.py writes it, which Airflow's environment doesn't have.
_PREFIX = "beltline result: "


class NodeLog:
    """Logs nodes' lines at their own levels, under the name of each where several share a log.

    `results` are the nodes' results by node, and `result` is the last one.
    """

    def __init__(self) -> None:
        self.result: Result = {}
        self.results: dict[str, Result] = {}
        self._node = ""
        self._logger, self._level = log, logging.INFO

    def take(self, line: str) -> None:
        """Logs one line; a line that starts no record continues the previous one."""
        record = _RECORD.fullmatch(line)
        said = line.removeprefix(_PREFIX)
        if record:
            node, shared, _ = record[2].partition("/")
            if shared:
                self._head(node)
            self._level = getattr(logging, record[1])
            self._logger, line = logging.getLogger(record[2]), record[3]
        elif said.startswith('{"') and self._is_result(said):
            log.debug("%s", said)
            if said != line:
                log.info("%(node)s %(state)s after %(seconds)s s", self.result)
            return
        self._logger.log(self._level, "%s", line)

    def _head(self, node: str) -> None:
        """Logs a heading where the lines of another node begin; nodes run concurrently."""
        if node != self._node:
            log.info("── %s ──", node)
            self._node = node

    def _is_result(self, line: str) -> bool:
        try:
            read = json.loads(line)
        except ValueError:
            return False
        if {"node", "state"} <= read.keys():
            self.result = self.results[read["node"]] = read
        return bool(self.result is read)


def decisive(nodes: Sequence[str], results: Mapping[str, Result], exit_code: int) -> Result:
    """Returns the result of the node that decided how the task of several nodes ended.

    That is the first one in the pipeline's order: nodes run concurrently. It is empty if no node
    did, as when the pod was killed.
    """
    found = [results[node] for node in nodes if node in results]
    for result in found:
        if _decides(result, exit_code):
            reason = f"{result['node']} {result['state']}: {result['reason']}"
            return {**result, "reason": reason} if exit_code else result
    return {} if exit_code or not found else found[-1]


def _decides(result: Result, exit_code: int) -> bool:
    state = result["state"]
    if exit_code == SKIPPED:
        return state in ("refused", "skipped")
    # A model gate that refuses has an output, its verdict, and so is done.
    by_model_gate = state == "refused" and bool(result["outputs"])
    return (state in ("failed", "refused") and not by_model_gate) if exit_code else by_model_gate


def hold(context: Context, result: Result) -> None:
    """Passes on the version that waits for approval, if Pusher's result names one.

    Its task is skipped, and so has no value.
    """
    outputs = result.get("outputs", {}) if result.get("node") == PUSHER else {}
    for pushed in outputs.get("pushed_model", []):
        number = pushed["properties"].get(WAITING)
        if number:
            context["ti"].xcom_push(key=WAITING, value=number)


def conclude(exit_code: int, result: Result) -> Result:
    """Returns the node's result, or raises the exception of the task's state.

    Raises:
      AirflowSkipException: the node was skipped.
      AirflowFailException: a retry would end the same way.
      AirflowException: the node failed.
    """
    reason = result.get("reason") or _exit_reason(exit_code)
    refused = result.get("state") == "refused"
    if exit_code == SKIPPED:
        raise AirflowSkipException(reason)
    if exit_code == WRONG_OPTIONS or (exit_code and refused):
        raise AirflowFailException(reason)
    if exit_code:
        raise AirflowException(reason)
    if not result:
        log.warning("the node succeeded, but its log has no result")
    if refused:
        log.warning("%s refused; nothing is pushed: %s", result["node"], reason)
    return result


def _exit_reason(exit_code: int) -> str:
    if exit_code == -signal.SIGKILL or exit_code == 128 + signal.SIGKILL:
        return "the node was killed (SIGKILL); the machine may have run out of memory"
    return f"the node ended with exit code {exit_code}; see its log"


def announce(context: Context, asset: Asset, result: Result) -> None:
    """Adds the pushed version to the asset event, if it is known."""
    if not result:
        return
    [pushed] = result["outputs"]["pushed_model"]
    context["outlet_events"][asset].extra = {
        "version": pushed["properties"].get("pushed_version", ""),
        "destination": pushed["properties"].get("pushed_destination", ""),
        "model_uri": pushed["uri"],
        "run": context["run_id"],
    }
