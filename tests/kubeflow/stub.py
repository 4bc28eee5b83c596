"""A Kubeflow Pipelines API on 127.0.0.1 that takes only what the client's own models allow.

It keeps what it is sent, and plays what a test has put into `plays` for the runs that are started.
"""

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from itertools import count
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from tests.http_stub import Handler, serving
from tests.kubeflow import stub_routes
from tests.kubeflow.stub_play import Play, archived
from tests.kubeflow.stub_routes import Violation

_numbers = count(1)


class Answer(Exception):
    """An answer that is no success."""

    def __init__(self, status: int, message: str = "", kind: str = "application/json"):
        super().__init__(message)
        self.status, self.kind = status, kind


@dataclass
class Kubeflow:
    """What the stub knows. A test changes it; `violations` must stay empty."""

    url: str = ""
    token: str = ""
    multi_user: bool = False
    # Where logs come from: the API server, the server of the pages, or nowhere.
    logs_from: str = "api"
    # The next requests of these methods' names aren't answered at all.
    lost: dict[str, int] = field(default_factory=dict)
    # What every request gets instead of an answer.
    always: Answer | None = None
    # What a method answers instead.
    refuses: dict[str, Answer] = field(default_factory=dict)
    pipelines: list[dict[str, Any]] = field(default_factory=list)
    versions: list[dict[str, Any]] = field(default_factory=list)
    packages: dict[str, str] = field(default_factory=dict)
    experiments: list[dict[str, Any]] = field(default_factory=list)
    recurring: list[dict[str, Any]] = field(default_factory=list)
    runs: list[dict[str, Any]] = field(default_factory=list)
    plays: list[Play] = field(default_factory=list)
    playing: dict[str, Play] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    # How often the whole workflow was, which is a megabyte.
    workflows: int = 0
    tokens: set[str | None] = field(default_factory=set)
    violations: list[str] = field(default_factory=list)

    def answer(self, method: str, target: str, headers: Any, body: bytes) -> Any:
        """Returns what a request is answered with: text, or what becomes JSON."""
        parts = urlsplit(target)
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        path = unquote(parts.path)
        self.tokens.add(headers.get("authorization"))
        if self.always:
            raise self.always
        if self.token and headers.get("authorization") != f"Bearer {self.token}":
            raise Answer(401, "Unauthenticated", "text/plain")
        if (text := self._beside_the_client(method, path, query)) is not None:
            return text
        route, values = stub_routes.find(method, path)
        self.asked.append(route.name)
        if self.lost.get(route.name):
            self.lost[route.name] -= 1
            raise ConnectionAbortedError
        if route.name in self.refuses:
            raise self.refuses[route.name]
        stub_routes.check_query(route, query)
        model: Any = None
        if route.body:
            stub_routes.check_model(model := json.loads(body), route.body)
        elif "multipart" in (headers.get("content-type") or ""):
            model = _uploaded(headers["content-type"], body)
        elif body:
            raise Violation(f"{route.name}: takes no body")
        do = getattr(self, f"_{route.name}", None)
        if do is None:
            raise Violation(f"{route.name}: nothing that submit needs")
        answer = do(query, model, *values)
        stub_routes.check_model(answer, route.answer)
        return answer

    def _beside_the_client(self, method: str, path: str, query: dict[str, str]) -> Any:
        words = path.strip("/").split("/")
        if method == "GET" and path == "/apis/v2beta1/healthz":
            return {"tag_name": "2.17.0", "multi_user": self.multi_user}
        if words[:3] == ["apis", "v1beta1", "runs"] and len(words) == 4:
            self.workflows += 1
            workflow = self._play(words[3]).workflow()
            return {"run": {}, "pipeline_runtime": {"workflow_manifest": json.dumps(workflow)}}
        if words[:2] == ["apis", "v1alpha1"]:
            if self.logs_from == "pages":
                raise Answer(200, "<html>Kubeflow Pipelines</html>", "text/html")
            return self._log(words[3], words[5])
        if path == "/k8s/pod/logs":
            if self.logs_from != "pages":
                raise Answer(404, "404 page not found", "text/plain")
            if query.get("podnamespace") != "kubeflow":
                raise Violation(f"log of another namespace: {query}")
            return self._log(query["runid"], query["podname"])
        return None

    def _log(self, run: str, pod: str) -> str:
        text = self._play(run).log(pod)
        if text is None or self.logs_from == "nowhere":
            raise Answer(500, "Failed to read logs from pod: not found")
        return archived(text)

    def _play(self, run: str) -> Play:
        if run not in self.playing:
            raise Answer(404, f"Run {run} not found")
        return self.playing[run]

    def _owned(self, query: dict[str, str]) -> None:
        if bool(query.get("namespace")) != self.multi_user:
            raise Answer(400, "a namespace in single-user mode, or none in multi-user mode")

    def _pipeline_service_list_pipelines(self, query: Any, _: Any) -> Any:
        self._owned(query)
        return {"pipelines": _named(self.pipelines, query)}

    def _pipeline_service_create_pipeline(self, _: Any, body: Any) -> Any:
        self._owned(body)
        return _kept(self.pipelines, body, "pipeline_id", "display_name")

    def _pipeline_service_list_pipeline_versions(self, query: Any, _: Any, pipeline: str) -> Any:
        found = [each for each in self.versions if each["pipeline_id"] == pipeline]
        return {"pipeline_versions": _named(found, query)}

    def _upload_pipeline_version(self, query: Any, text: str) -> Any:
        stub_routes.check_package(text)
        _exists(self.pipelines, "pipeline_id", query["pipelineid"])
        version = {"pipeline_id": query["pipelineid"], "display_name": query["name"]}
        made = _kept(self.versions, version, "pipeline_version_id", "display_name")
        self.packages[made["pipeline_version_id"]] = text
        return made

    def _experiment_service_list_experiments(self, query: Any, _: Any) -> Any:
        self._owned(query)
        return {"experiments": _named(self.experiments, query)}

    def _experiment_service_create_experiment(self, _: Any, body: Any) -> Any:
        self._owned(body)
        return _kept(self.experiments, body, "experiment_id", "display_name")

    def _run_service_create_run(self, _: Any, body: Any) -> Any:
        self._startable(body)
        run = _kept(self.runs, {**body, "state": "PENDING"}, "run_id", "display_name")
        self.playing[run["run_id"]] = self.plays.pop(0) if self.plays else Play([{}])
        return run

    def _run_service_get_run(self, _: Any, __: Any, run: str) -> Any:
        return self._play(run).next(next(each for each in self.runs if each["run_id"] == run))

    def _recurring_run_service_list_recurring_runs(self, query: Any, _: Any) -> Any:
        self._owned(query)
        return {"recurringRuns": _named(self.recurring, query)}

    def _recurring_run_service_create_recurring_run(self, _: Any, body: Any) -> Any:
        self._startable(body)
        if not 1 <= int(body["max_concurrency"]) <= 10:
            raise Answer(400, "Max concurrency must be at least 1 and at most 10")
        if len(body["trigger"]["cron_schedule"]["cron"].split()) != 6:
            raise Answer(400, "Schedule cron is not a supported format")
        body = {**body, "status": f"{body['mode']}D"}
        return _kept(self.recurring, body, "recurring_run_id", "recurring_run_id")

    def _recurring_run_service_delete_recurring_run(self, _: Any, __: Any, found: str) -> Any:
        _exists(self.recurring, "recurring_run_id", found)
        self.recurring = [each for each in self.recurring if each["recurring_run_id"] != found]
        return {}

    def _startable(self, body: dict[str, Any]) -> None:
        reference = body["pipeline_version_reference"]
        _exists(self.pipelines, "pipeline_id", reference["pipeline_id"])
        _exists(self.versions, "pipeline_version_id", reference["pipeline_version_id"])
        _exists(self.experiments, "experiment_id", body["experiment_id"])
        spec = stub_routes.check_package(self.packages[reference["pipeline_version_id"]])
        stub_routes.check_parameters(spec, body["runtime_config"]["parameters"])


def _named(found: list[dict[str, Any]], query: dict[str, str]) -> list[dict[str, Any]]:
    predicates = json.loads(query["filter"])["predicates"] if "filter" in query else []
    return [
        each for each in found if all(each[one["key"]] == one["string_value"] for one in predicates)
    ]


def _kept(kept: list[dict[str, Any]], body: dict[str, Any], key: str, unique: str) -> Any:
    if any(each.get(unique) == body.get(unique, "") for each in kept):
        raise Answer(409, f"{body[unique]} already exists")
    made = {**body, key: f"{key.removesuffix('_id')}-{next(_numbers)}"}
    kept.append(made)
    return made


def _exists(kept: list[dict[str, Any]], key: str, value: str) -> None:
    if not any(each[key] == value for each in kept):
        raise Answer(404, f"{key} {value} not found")


def _uploaded(content: str, body: bytes) -> str:
    message = message_from_bytes(b"Content-Type: " + content.encode() + b"\r\n\r\n" + body)
    [part] = message.get_payload()
    if part.get_param("name", header="content-disposition") != "uploadfile":
        raise Violation("the upload has no part 'uploadfile'")
    return str(part.get_payload(decode=True).decode())


class _Handler(Handler):
    kubeflow: Kubeflow

    def _handle(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        kubeflow = self.kubeflow
        try:
            answer = kubeflow.answer(self.command, self.path, self.headers, body)
            is_text = isinstance(answer, str)
            text = answer if is_text else json.dumps(answer)
            self.send(200, text, "text/plain" if is_text else "application/json")
        except ConnectionAbortedError:
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
        except Answer as error:
            text = str(error)
            json_text = json.dumps({"error": text, "message": text, "code": 2})
            self.send(error.status, json_text if "json" in error.kind else text, error.kind)
        except Violation as error:
            kubeflow.violations.append(str(error))
            self.send(400, json.dumps({"message": str(error)}), "application/json")
        except Exception as error:
            kubeflow.violations.append(f"{self.command} {self.path}: {error!r}")
            self.send(500, "{}", "application/json")

    do_GET = do_POST = do_DELETE = do_PATCH = do_PUT = _handle


@contextmanager
def kubeflow() -> Iterator[Kubeflow]:
    """A stub that answers while the block runs; what broke the API's rules is an error after it."""
    known = Kubeflow()
    with serving(_Handler, kubeflow=known) as known.url:
        yield known
    assert known.violations == []
