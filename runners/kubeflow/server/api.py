"""The REST API of Kubeflow Pipelines (v2beta1), with Kubeflow's own client.

`BELTLINE_KUBEFLOW` is its URL, by default `http://127.0.0.1:8888`; `BELTLINE_KUBEFLOW_TOKEN` is
sent as a bearer token. No message contains the token.

To use another part of the API, add a method that calls it through `_ask`.
"""

import json
import os
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import kfp_server_api as kfp
from urllib3.exceptions import HTTPError

from beltline.base.errors import WrongInput

KUBEFLOW = "BELTLINE_KUBEFLOW"
TOKEN = "BELTLINE_KUBEFLOW_TOKEN"  # noqa: S105 - the variable's name
_DEFAULT = "http://127.0.0.1:8888"
_SECONDS = 60
_LOGIN = (301, 302, 303, 307, 308, 401, 403)
_FOR_A_MOMENT = (429, 502, 503, 504)
_CONFLICT, _MISSING = 409, 404


class ApiError(WrongInput):
    """Kubeflow rejected a request; `status` is the HTTP status."""

    def __init__(self, text: str, status: int):
        super().__init__(text)
        self.status = status


class ApiUnreachable(WrongInput):
    """Kubeflow is not reachable; a retry may help."""


@dataclass(frozen=True)
class Health:
    """Kubeflow's version, empty if unknown, and whether it is in multi-user mode."""

    version: str
    multi_user: bool


class KubeflowApi:
    """The REST API; every method raises ApiUnreachable or ApiError where a call fails."""

    def __init__(self, url: str, token: str = "", namespace: str = ""):
        """`namespace` is that of the profile; only multi-user mode uses it."""
        self.url = _checked(url)
        self.namespace = namespace
        self._token = token
        self._multi_user: bool | None = None
        self._client = kfp.ApiClient(_configuration(self.url, token))

    @classmethod
    def from_environment(cls, url: str | None = None, namespace: str = "") -> "KubeflowApi":
        """Returns the API at `url`, by default the one that the environment sets."""
        url = url or os.environ.get(KUBEFLOW) or _DEFAULT
        return cls(url, os.environ.get(TOKEN) or "", namespace)

    def health(self) -> Health:
        """Returns Kubeflow's version and mode.

        Raises:
          ApiError: this is not Kubeflow Pipelines 2.
        """
        try:
            found = json.loads(self.text("/apis/v2beta1/healthz"))
            if "multi_user" not in found:
                raise ValueError
        except ApiError as error:
            if error.status == _MISSING:
                raise ApiError(f"{self.url}: {_NO_KUBEFLOW}", _MISSING) from None
            raise
        except ValueError:
            raise ApiError(f"{self.url}: {_NO_KUBEFLOW}", 200) from None
        self._multi_user = bool(found.get("multi_user"))
        version = found.get("tag_name") or found.get("apiServerTagName") or ""
        return Health("" if version == "unknown" else version, self._multi_user)

    def pipeline(self, name: str) -> str:
        """Returns the id of the pipeline with this name, which is created if needed."""
        api = kfp.PipelineServiceApi(self._client)

        def make() -> Any:
            body = kfp.V2beta1Pipeline(display_name=name, **self._owner())
            return self._ask(api.pipeline_service_create_pipeline, body)

        return str(_found_or_made(lambda: self._pipelines(name), make)[0].pipeline_id)

    def pipeline_if_there(self, name: str) -> str | None:
        """Returns the id of the pipeline with this name, or None."""
        return next((str(each.pipeline_id) for each in self._pipelines(name)), None)

    def _pipelines(self, name: str) -> list[Any]:
        call = kfp.PipelineServiceApi(self._client).pipeline_service_list_pipelines
        found = self._ask(call, filter=_named(name), **self._owner())
        return [each for each in found.pipelines or () if each.display_name == name]

    def version(self, pipeline: str, name: str, package: Path) -> tuple[str, bool]:
        """Returns the id of the version with this name, and whether `package` was uploaded."""
        api = kfp.PipelineServiceApi(self._client)

        def find() -> list[Any]:
            call = api.pipeline_service_list_pipeline_versions
            found = self._ask(call, pipeline, filter=_named(name))
            versions = found.pipeline_versions or ()
            return [each for each in versions if each.display_name == name]

        def make() -> Any:
            call = kfp.PipelineUploadServiceApi(self._client).upload_pipeline_version
            return self._ask(call, str(package), name=name, pipelineid=pipeline)

        version, made = _found_or_made(find, make)
        return str(version.pipeline_version_id), made

    def experiment(self, name: str) -> str:
        """Returns the id of the experiment with this name, which is created if needed."""
        api = kfp.ExperimentServiceApi(self._client)

        def find() -> list[Any]:
            found = self._ask(
                api.experiment_service_list_experiments, filter=_named(name), **self._owner()
            )
            return [each for each in found.experiments or () if each.display_name == name]

        def make() -> Any:
            body = kfp.V2beta1Experiment(display_name=name, **self._owner())
            return self._ask(api.experiment_service_create_experiment, body)

        return str(_found_or_made(find, make)[0].experiment_id)

    def start(self, run: kfp.V2beta1Run) -> str:
        """Starts a run and returns its id."""
        api = kfp.RunServiceApi(self._client)
        return str(self._ask(api.run_service_create_run, run).run_id)

    def run(self, run: str) -> Any:
        """Returns a run, with the states of its tasks."""
        return self._ask(kfp.RunServiceApi(self._client).run_service_get_run, run)

    def recurring_runs(self, name: str) -> list[Any]:
        """Returns the recurring runs with this name."""
        call = kfp.RecurringRunServiceApi(self._client).recurring_run_service_list_recurring_runs
        found = self._ask(call, filter=_named(name), **self._owner())
        return [each for each in found.recurring_runs or () if each.display_name == name]

    def create_recurring_run(self, recurring: kfp.V2beta1RecurringRun) -> str:
        """Creates a recurring run and returns its id."""
        call = kfp.RecurringRunServiceApi(self._client).recurring_run_service_create_recurring_run
        return str(self._ask(call, recurring).recurring_run_id)

    def delete_recurring_run(self, recurring: str) -> None:
        """Deletes a recurring run, but not the runs that it has started."""
        call = kfp.RecurringRunServiceApi(self._client).recurring_run_service_delete_recurring_run
        self._ask(call, recurring)

    def page(self, run: str) -> str:
        """Returns the URL of a run in the UI."""
        return f"{self.url}/#/runs/details/{run}"

    def text(self, path: str, **query: str) -> str:
        """Returns the body at `path`, for which the client has no method."""
        headers = {"Authorization": f"Bearer {self._token}"} if self._token else {}
        try:
            answer = self._client.rest_client.pool_manager.request(
                "GET", self.url + quote(path), fields=query, headers=headers, timeout=_SECONDS
            )
        except HTTPError as error:
            raise self._unreachable(error) from None
        body = answer.data.decode(errors="replace")
        if answer.status != 200:
            raise self._refusal(answer.status, body)
        self._check_no_page(answer.headers.get("content-type"))
        return body

    def _owner(self) -> dict[str, str]:
        """Returns the argument that names the profile; only multi-user mode allows it."""
        if self._multi_user is None:
            self.health()
        return {"namespace": self.namespace} if self._multi_user else {}

    def _ask(self, call: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
        try:
            answer = call(*arguments, _request_timeout=_SECONDS, **options)
            response = self._client.last_response
            self._check_no_page(response.getheader("content-type"))
            if not response.data.startswith("{"):
                # Kubeflow's client would return an empty object.
                raise ValueError("no JSON object")
        except kfp.ApiException as error:
            raise self._refusal(error.status, error.body or "") from None
        except HTTPError as error:
            raise self._unreachable(error) from None
        except (AttributeError, TypeError, ValueError) as error:
            # Kubeflow's client fails like this on an unexpected response.
            why = f"{type(error).__name__}: {error}"
            raise ApiError(f"{self.url}: {_NO_KUBEFLOW} ({self._clean(why)})", 200) from None
        return answer

    def _check_no_page(self, content: str | None) -> None:
        if "html" in (content or ""):
            raise ApiError(
                f"{self.url} returns a web page instead of Kubeflow's API: {_LOG_IN}, or it is the "
                "URL of something else",
                200,
            )

    def _refusal(self, status: int, body: str) -> WrongInput:
        said = self._clean(_message(body))
        if status in _FOR_A_MOMENT:
            return ApiUnreachable(f"{self.url} is not reachable: {status} {said}".rstrip())
        if status in _LOGIN:
            more = f": {said}" if said else ""
            return ApiError(f"{self.url} requires a login ({status}){more}; {_LOG_IN}", status)
        return ApiError(f"{self.url} rejected the request ({status}): {said}", status)

    def _unreachable(self, error: Exception) -> ApiUnreachable:
        why = self._clean(str(error) or type(error).__name__)
        fix = f"set {KUBEFLOW} or --host to its URL, as `kubectl port-forward` prints it"
        return ApiUnreachable(f"{self.url} is not reachable: {why}; {fix}")

    def _clean(self, text: str) -> str:
        return text.replace(self._token, "***") if self._token else text


_LOG_IN = f"set {TOKEN} to a valid token"
_NO_KUBEFLOW = "not Kubeflow Pipelines 2, which the package needs"


def _checked(url: str) -> str:
    try:
        parts = urlsplit(url)
        well_made = parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        well_made = False
    if not well_made:
        raise WrongInput(f"invalid URL '{url}': must be http://HOST:PORT ({KUBEFLOW}, --host)")
    if "@" in parts.netloc:
        host = parts.netloc.rpartition("@")[2]
        raise WrongInput(f"the URL of {host} contains a password: {_LOG_IN} instead")
    return f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}"


def _configuration(url: str, token: str) -> kfp.Configuration:
    configuration = kfp.Configuration(host=url)
    # No automatic retries, and no redirect to a login page.
    configuration.retries = False
    # The machine's certificates, as those of a cluster are often issued by the company.
    configuration.ssl_ca_cert = ssl.get_default_verify_paths().cafile
    if token:
        configuration.api_key["authorization"] = token
        configuration.api_key_prefix["authorization"] = "Bearer"
    return configuration


def _named(name: str) -> str:
    predicate = {"operation": "EQUALS", "key": "display_name", "string_value": name}
    return json.dumps({"predicates": [predicate]})


def _found_or_made(find: Callable[[], list[Any]], make: Callable[[], Any]) -> tuple[Any, bool]:
    """Returns what `find` finds, else what `make` creates, and whether it was created."""
    if found := find():
        return found[0], False
    try:
        return make(), True
    except ApiError as error:
        # Another client was faster.
        if error.status == _CONFLICT and (found := find()):
            return found[0], False
        raise


def _message(body: str) -> str:
    """Returns the message in an error's body, in one line."""
    try:
        found = json.loads(body)
        said = found.get("message") or found.get("error") or found.get("error_message") or ""
    except (ValueError, AttributeError):
        said = "" if "<" in body else body
    return " ".join(str(said).split())[:300]
