"""The logs of a run's pods, and the node runner's result in them.

Kubeflow's API returns the states of tasks but not their pods. The pods' names are in the Argo
workflow, which the v1beta1 API returns. The log comes from the API server, or, if the URL is that
of the UI, from the UI's server.
"""

import json
import re
from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from typing import Any, TypeVar

from beltline.runners.kubeflow.server.api import ApiError, KubeflowApi
from beltline.runners.node.outcome import Outcome
from beltline.runners.pods.log_line import results
from beltline.runners.result import RunResult

Word = TypeVar("Word")

# Where a template has a retry strategy, Argo appends the attempt to the name. Since Kubeflow 2.17
# all templates have one.
_ATTEMPT = r"(\([0-9]+\))?"


class NoLog(Exception):
    """The log is not available; the message says why."""


class PodLogs:
    """The logs of one run's pods."""

    def __init__(self, api: KubeflowApi, run: str, namespace: str):
        self._api = api
        self._run = run
        self._namespace = namespace
        self._known: dict[str, Any] | None = None

    def refresh(self) -> None:
        """Has the next call ask Kubeflow for the run's pods again: it sends a megabyte of them."""
        self._known = None

    def outcomes(self, task: str, nodes: Collection[str]) -> dict[str, tuple[Outcome, float]]:
        """Returns the outcomes of a task's nodes with their seconds, by node, as far as logged.

        Raises:
          NoLog: the log is not available.
        """
        found: dict[str, tuple[Outcome, float]] = {}
        for text in self._texts(task):
            for outcome, seconds in _words(text, _timed):
                if outcome.node in nodes:
                    found.setdefault(outcome.node, (outcome, seconds))
            if len(found) == len(nodes):
                break
        return found

    def run_result(self, task: str) -> RunResult | None:
        """Returns the run's result from its exit task, None if it is not in the log.

        Raises:
          NoLog: the log is not available.
        """
        for text in self._texts(task):
            for found in _words(text, RunResult.from_line):
                if found.run == self._run:
                    return found
        return None

    def _texts(self, task: str) -> Iterator[str]:
        """Yields the logs of a task's pods, the last attempt first."""
        self._known = self._known or self._workflow()
        pods = _pods(self._known, task)
        if not pods:
            raise NoLog("Kubeflow returned no pod of the task")
        errors: list[str] = []
        for names in pods:
            try:
                yield self._text(names)
            except NoLog as error:
                errors.append(str(error))
        if len(errors) == len(pods):
            raise NoLog(errors[0])

    def _workflow(self) -> dict[str, Any]:
        try:
            found = json.loads(self._api.text(f"/apis/v1beta1/runs/{self._run}"))
            workflow: dict[str, Any] = json.loads(found["pipeline_runtime"]["workflow_manifest"])
        except ApiError as error:
            raise NoLog(str(error)) from None
        except (KeyError, TypeError, ValueError):
            raise NoLog("Kubeflow did not return the run's workflow") from None
        return workflow

    def _text(self, names: list[str]) -> str:
        reason = ""
        for name in names:
            pod = {"podname": name, "runid": self._run, "podnamespace": self._namespace}
            for path, query in (
                (f"/apis/v1alpha1/runs/{self._run}/nodes/{name}/log", {}),
                ("/k8s/pod/logs", pod),
            ):
                try:
                    return self._api.text(path, **query)
                except ApiError as error:
                    reason = reason or str(error)
        raise NoLog(reason)


def _pods(workflow: dict[str, Any], task: str) -> list[list[str]]:
    """Returns the possible pod names of each attempt of a task, the last attempt first."""
    try:
        name = workflow["metadata"]["name"]
        nodes = (workflow["status"].get("nodes") or {}).values()
        # Of the pods that Kubeflow creates for a task, the one that runs it.
        wanted = re.compile(rf".*\.{re.escape(task)}{_ATTEMPT}\.executor{_ATTEMPT}")
        found = [each for each in nodes if each["type"] == "Pod" and wanted.fullmatch(each["name"])]
        found.sort(key=lambda each: str(each.get("startedAt")), reverse=True)
        # Argo's current format, and the previous one.
        return [
            [f"{name}-{each['templateName']}-{each['id'].rpartition('-')[2]}", each["id"]]
            for each in found
        ]
    except (AttributeError, KeyError, TypeError):
        return []


def _words(text: str, read: Callable[[str], Word]) -> Iterator[Word]:
    """Yields the results in a log that `read` parses, the last one first."""
    for result in results(text):
        with suppress(AttributeError, KeyError, TypeError, ValueError):
            yield read(result)


def _timed(result: str) -> tuple[Outcome, float]:
    found = json.loads(result)
    seconds = float(found.pop("seconds"))
    return Outcome(**found), seconds
