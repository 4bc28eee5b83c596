"""The routes of Kubeflow's REST API as its own client knows them, and the client's checks.

Nothing is written down here: paths, query parameters and models are read from the client's code.
"""

import functools
import inspect
import json
import re
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import kfp_server_api
import yaml
from google.protobuf import json_format
from kfp.kubernetes import kubernetes_executor_config_pb2
from kfp.pipeline_spec import pipeline_spec_pb2

CLIENT = kfp_server_api.ApiClient()


class Violation(Exception):
    """A request that the client's own models don't allow."""


@dataclass(frozen=True)
class Route:
    """An endpoint: the client's method, what may be asked, the models of body and answer."""

    name: str
    method: str
    path: re.Pattern[str]
    query: frozenset[str]
    body: str
    answer: str


@functools.cache
def routes() -> list[Route]:
    services = [each for name, each in vars(kfp_server_api).items() if name.endswith("ServiceApi")]
    found = []
    for service in services:
        for name, function in inspect.getmembers(service, inspect.isfunction):
            if name.endswith("_with_http_info"):
                found.append(_route(name.removesuffix("_with_http_info"), function))
    return found


def _route(name: str, function: Any) -> Route:
    source = inspect.getsource(function)
    [(path, method)] = re.findall(r"'(/apis/[^']*)', '(\w+)'", source)
    body = re.search(r"body_params = local_var_params\['(\w+)'\]", source)
    model = body and re.search(rf":type {body[1]}: (\w+)", source)
    pattern = re.sub(r"\\{([^}]*)\\}", r"([^/:]+)", re.escape(path))
    query = frozenset(re.findall(r"query_params\.append\(\('(\w+)'", source))
    [answer] = re.findall(r"response_type='(\w+)'", source)
    return Route(name, method, re.compile(pattern), query, model[1] if model else "", answer)


def find(method: str, path: str) -> tuple[Route, list[str]]:
    """Returns the route of a request, and the values in its path."""
    # `pipelines/upload` is no pipeline of that name.
    for route in sorted(routes(), key=lambda each: "(" in each.path.pattern):
        match = route.path.fullmatch(path)
        if match and route.method == method:
            return route, list(match.groups())
    raise Violation(f"{method} {path}: no such endpoint")


def check_query(route: Route, query: dict[str, str]) -> None:
    if unknown := set(query) - route.query:
        raise Violation(f"{route.name}: takes no {unknown}")
    if "filter" in query:
        found = check_model(json.loads(query["filter"]), "V2beta1Filter")
        for each in found.predicates:
            if each.operation is None or each.key is None or each.string_value is None:
                raise Violation(f"{route.name}: filter {query['filter']}")


def check_model(body: Any, model: str) -> Any:
    """Returns `body` as the client's model, if it is exactly that."""
    try:
        found = CLIENT.deserialize(SimpleNamespace(data=json.dumps(body)), model)
    except (TypeError, ValueError) as error:
        raise Violation(f"{model}: {error}") from None
    if (again := CLIENT.sanitize_for_serialization(found)) != body:
        raise Violation(f"{model}: {body} is read as {again}")
    return found


@functools.cache
def check_package(text: str) -> dict[str, Any]:
    """Returns the spec of a package, if both its documents are what Kubeflow knows."""
    try:
        pipeline, platform = yaml.load_all(text, yaml.CSafeLoader)
        json_format.ParseDict(pipeline, pipeline_spec_pb2.PipelineSpec())
        json_format.ParseDict(platform, pipeline_spec_pb2.PlatformSpec())
        executors = platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"]
        for each in executors.values():
            config = kubernetes_executor_config_pb2.KubernetesExecutorConfig()
            json_format.ParseDict(each, config)
    except (KeyError, ValueError, yaml.YAMLError, json_format.ParseError) as error:
        raise Violation(f"the package: {error}") from None
    spec: dict[str, Any] = pipeline
    return spec


_TYPES = {"STRING": str, "NUMBER_INTEGER": int, "NUMBER_DOUBLE": float, "BOOLEAN": bool}


def check_parameters(spec: dict[str, Any], given: dict[str, Any]) -> None:
    known = spec["root"].get("inputDefinitions", {}).get("parameters", {})
    for name, value in given.items():
        if name not in known:
            raise Violation(f"the package has no parameter {name}")
        if type(value) is not _TYPES[known[name]["parameterType"]]:
            raise Violation(f"parameter {name}: {value!r} is no {known[name]['parameterType']}")
    for name, each in known.items():
        if name not in given and "defaultValue" not in each and not each.get("isOptional"):
            raise Violation(f"parameter {name} is missing")
