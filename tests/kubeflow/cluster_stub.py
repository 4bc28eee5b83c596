"""A Kubernetes API on 127.0.0.1 that takes only what the client's core API knows, and only reading.

What it knows are objects of the client's own models, and it answers with what the client makes of
them. A test puts objects in and takes them out; `violations` must stay empty.
"""

import functools
import inspect
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from kubernetes import client
from kubernetes.client.api import core_v1_api, version_api

from tests.http_stub import Handler, serving

VERSION = "v1.34.2"
_CLIENT = client.ApiClient()
_ROUTE = re.compile(
    r"def (\w+)_with_http_info\(self.*?call_api\(\s*'([^']+)', '([A-Z]+)',"
    r".*?response_type=(?:'([^']*)'|None)",
    re.DOTALL,
)


class Violation(Exception):
    """A request that the check has no business to send."""


@dataclass(frozen=True)
class Route:
    """An endpoint: the client's method for it, its path, the model of its answer."""

    name: str
    path: re.Pattern[str]
    method: str
    answer: str


@functools.cache
def routes() -> list[Route]:
    """The endpoints of the client's core and version APIs, as its code has them."""
    found = []
    for module in (core_v1_api, version_api):
        for name, path, method, answer in _ROUTE.findall(inspect.getsource(module)):
            pattern = re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/]+)", re.escape(path))
            found.append(Route(name, re.compile(pattern), method, answer))
    return found


@dataclass
class Cluster:
    """What the stub knows."""

    token: str
    url: str = ""
    objects: list[Any] = field(default_factory=list)
    # The status that a method of the client gets instead, or one for an object's name.
    refuses: dict[str, int] = field(default_factory=dict)
    # What every request gets instead of an answer: status, type, text.
    always: tuple[int, str, str] | None = None
    asked: list[str] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)

    def answer(self, method: str, target: str, headers: Any) -> tuple[int, str, str]:
        """Returns status, type and text of the answer to a request."""
        if self.always:
            return self.always
        route, values = _found(method, target)
        self.asked.append(route.name)
        if headers.get("authorization") != f"Bearer {self.token}":
            return _no(401, "Unauthorized")
        for name in (route.name, values.get("name")):
            if name in self.refuses:
                return _no(self.refuses[name], "Forbidden")
        found = self._of(route, values)
        if found is None:
            return _no(404, "NotFound")
        return 200, "application/json", json.dumps(_CLIENT.sanitize_for_serialization(found))

    def _of(self, route: Route, values: dict[str, str]) -> Any:
        if route.name == "get_code":
            return _version()
        if route.name == "list_node":
            nodes = [each for each in self.objects if isinstance(each, client.V1Node)]
            return client.V1NodeList(api_version="v1", kind="NodeList", items=nodes)
        if not route.name.startswith("read_"):
            raise Violation(f"{route.name}: nothing that a check needs")
        wanted = (values["name"], values.get("namespace"))
        kind = [each for each in self.objects if type(each).__name__ == route.answer]
        named = {(each.metadata.name, each.metadata.namespace): each for each in kind}
        return named.get(wanted)


def _found(method: str, target: str) -> tuple[Route, dict[str, str]]:
    for route in routes():
        match = route.path.fullmatch(target)
        if match and route.method == method == "GET":
            return route, match.groupdict()
    raise Violation(f"{method} {target}: no such endpoint, or not for reading")


def _no(status: int, reason: str) -> tuple[int, str, str]:
    said = client.V1Status(
        api_version="v1", kind="Status", status="Failure", reason=reason, code=status
    )
    return status, "application/json", json.dumps(_CLIENT.sanitize_for_serialization(said))


def _version() -> client.VersionInfo:
    major, minor, _ = VERSION.removeprefix("v").split(".")
    unknown = ("build_date", "git_commit", "git_tree_state", "go_version", "compiler", "platform")
    return client.VersionInfo(
        major=major, minor=minor, git_version=VERSION, **dict.fromkeys(unknown, "")
    )


def kubeconfig(file: Path, url: str, token: str) -> Path:
    """Writes a kubeconfig for a cluster, as `kubectl config` does."""
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "stub",
        "clusters": [{"name": "stub", "cluster": {"server": url}}],
        "users": [{"name": "me", "user": {"token": token}}],
        "contexts": [{"name": "stub", "context": {"cluster": "stub", "user": "me"}}],
    }
    file.write_text(yaml.safe_dump(content))
    return file


class _Handler(Handler):
    cluster: Cluster

    def _handle(self) -> None:
        try:
            status, kind, text = self.cluster.answer(self.command, self.path, self.headers)
        except Exception as error:
            self.cluster.violations.append(f"{self.command} {self.path}: {error!r}")
            status, kind, text = 500, "text/plain", "violation"
        self.send(status, text, kind)

    do_GET = do_POST = do_DELETE = do_PATCH = do_PUT = _handle


@contextmanager
def cluster(token: str) -> Iterator[Cluster]:
    """A stub that answers while the block runs; what broke the API's rules is an error after it."""
    known = Cluster(token)
    with serving(_Handler, cluster=known) as known.url:
        yield known
    assert known.violations == []
