"""A Kubeflow Pipelines api, seen over its REST API (v2beta1) with Kubeflow's own client.

`BELTLINE_KUBEFLOW` says where it is, by default `http://127.0.0.1:8888`; `BELTLINE_KUBEFLOW_TOKEN`
is sent as a bearer token. The token is in no message.

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
    """Kubeflow said no; `status` is HTTP's number for it."""

    def __init__(self, text: str, status: int):
        super().__init__(text)
        self.status = status


class ApiUnreachable(WrongInput):
    """Kubeflow didn't answer; it may in a moment."""


@dataclass(frozen=True)
class Health:
    """What a site says of itself: its version, empty if it doesn't say, and whose it is."""

    version: str
    several_users: bool


class KubeflowApi:
    """The REST API; every method raises ApiUnreachable or ApiError where a call fails."""

    def __init__(self, url: str, token: str = "", namespace: str = ""):
        """`namespace` is the profile's, and counts only where Kubeflow has several users."""
        self.url = _checked(url)
        self.namespace = namespace
        self._token = token
        self._several_users: bool | None = None
        self._client = kfp.ApiClient(_configuration(self.url, token))

    @classmethod
    def from_environment(cls, url: str | None = None, namespace: str = "") -> "KubeflowApi":
        """Returns the site that the environment names, or the one at `url`."""
        url = url or os.environ.get(KUBEFLOW) or _DEFAULT
        return cls(url, os.environ.get(TOKEN) or "", namespace)

    def health(self) -> Health:
        """Asks the site for its version; raises ApiError if it is no Kubeflow Pipelines 2."""
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
        self._several_users = bool(found.get("multi_user"))
        version = found.get("tag_name") or found.get("apiServerTagName") or ""
        return Health("" if version == "unknown" else version, self._several_users)

    def pipeline(self, name: str) -> str:
        """Returns the id of the pipeline of this name, which is made if there is none."""
        api = kfp.PipelineServiceApi(self._client)

        def make() -> Any:
            body = kfp.V2beta1Pipeline(display_name=name, **self._owner())
            return self._ask(api.pipeline_service_create_pipeline, body)

        return str(_found_or_made(lambda: self._pipelines(name), make)[0].pipeline_id)

    def pipeline_if_there(self, name: str) -> str | None:
        """Returns the id of the pipeline of this name; None if there is none."""
        return next((str(each.pipeline_id) for each in self._pipelines(name)), None)

    def _pipelines(self, name: str) -> list[Any]:
        call = kfp.PipelineServiceApi(self._client).pipeline_service_list_pipelines
        found = self._ask(call, filter=_named(name), **self._owner())
        return [each for each in found.pipelines or () if each.display_name == name]

    def version(self, pipeline: str, name: str, package: Path) -> tuple[str, bool]:
        """Returns the id of the version of this name, and whether `package` was uploaded for it."""
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
        """Returns the id of the experiment of this name, which is made if there is none."""
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
        """Returns the recurring runs of this name."""
        call = kfp.RecurringRunServiceApi(self._client).recurring_run_service_list_recurring_runs
        found = self._ask(call, filter=_named(name), **self._owner())
        return [each for each in found.recurring_runs or () if each.display_name == name]

    def make_recurring_run(self, recurring: kfp.V2beta1RecurringRun) -> str:
        """Makes a recurring run and returns its id."""
        call = kfp.RecurringRunServiceApi(self._client).recurring_run_service_create_recurring_run
        return str(self._ask(call, recurring).recurring_run_id)

    def delete_recurring_run(self, recurring: str) -> None:
        """Deletes a recurring run; the runs that it has started stay."""
        call = kfp.RecurringRunServiceApi(self._client).recurring_run_service_delete_recurring_run
        self._ask(call, recurring)

    def page(self, run: str) -> str:
        """Returns the address of a run's page."""
        return f"{self.url}/#/runs/details/{run}"

    def text(self, path: str, **query: str) -> str:
        """Returns what is at `path`, which the client has no method for."""
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
        """Returns the argument that names the profile; without several users it isn't allowed."""
        if self._several_users is None:
            self.health()
        return {"namespace": self.namespace} if self._several_users else {}

    def _ask(self, call: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
        try:
            answer = call(*arguments, _request_timeout=_SECONDS, **options)
            response = self._client.last_response
            self._check_no_page(response.getheader("content-type"))
            if not response.data.startswith("{"):
                # Kubeflow's client would make an empty object of it.
                raise ValueError("no JSON object")
        except kfp.ApiException as error:
            raise self._refusal(error.status, error.body or "") from None
        except HTTPError as error:
            raise self._unreachable(error) from None
        except (AttributeError, TypeError, ValueError) as error:
            # Kubeflow's client fails so on an answer that isn't made as it expects.
            why = f"{type(error).__name__}: {error}"
            raise ApiError(f"{self.url}: {_NO_KUBEFLOW} ({self._clean(why)})", 200) from None
        return answer

    def _check_no_page(self, content: str | None) -> None:
        if "html" in (content or ""):
            raise ApiError(
                f"{self.url} answers with a web page instead of Kubeflow's API: {_LOG_IN}, or it "
                "is the address of something else",
                200,
            )

    def _refusal(self, status: int, body: str) -> WrongInput:
        said = self._clean(_message(body))
        if status in _FOR_A_MOMENT:
            return ApiUnreachable(f"{self.url} doesn't answer: {status} {said}".rstrip())
        if status in _LOGIN:
            more = f": {said}" if said else ""
            return ApiError(f"{self.url} wants a login ({status}){more}; {_LOG_IN}", status)
        return ApiError(f"{self.url} says no ({status}): {said}", status)

    def _unreachable(self, error: Exception) -> ApiUnreachable:
        why = self._clean(str(error) or type(error).__name__)
        fix = f"set {KUBEFLOW} or --host to its address, as `kubectl port-forward` gives it"
        return ApiUnreachable(f"{self.url} doesn't answer: {why}; {fix}")

    def _clean(self, text: str) -> str:
        return text.replace(self._token, "***") if self._token else text


_LOG_IN = f"set {TOKEN} to a token that it takes"
_NO_KUBEFLOW = "is no Kubeflow Pipelines of version 2, which the package needs"


def _checked(url: str) -> str:
    try:
        parts = urlsplit(url)
        well_made = parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        well_made = False
    if not well_made:
        raise WrongInput(f"'{url}': must be an address as http://HOST:PORT ({KUBEFLOW}, --host)")
    if "@" in parts.netloc:
        host = parts.netloc.rpartition("@")[2]
        raise WrongInput(f"the address of {host} holds a password: {_LOG_IN} instead")
    return f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}"


def _configuration(url: str, token: str) -> kfp.Configuration:
    configuration = kfp.Configuration(host=url)
    # Nothing is sent twice unasked, and a way to a login page isn't following.
    configuration.retries = False
    # The machine's certificates, since a cluster's are often of the company's own making.
    configuration.ssl_ca_cert = ssl.get_default_verify_paths().cafile
    if token:
        configuration.api_key["authorization"] = token
        configuration.api_key_prefix["authorization"] = "Bearer"
    return configuration


def _named(name: str) -> str:
    predicate = {"operation": "EQUALS", "key": "display_name", "string_value": name}
    return json.dumps({"predicates": [predicate]})


def _found_or_made(find: Callable[[], list[Any]], make: Callable[[], Any]) -> tuple[Any, bool]:
    """Returns what `find` finds, else what `make` makes, and whether it was made."""
    if found := find():
        return found[0], False
    try:
        return make(), True
    except ApiError as error:
        # Somebody else was faster.
        if error.status == _CONFLICT and (found := find()):
            return found[0], False
        raise


def _message(body: str) -> str:
    """Returns what an error's body says, in one line."""
    try:
        found = json.loads(body)
        said = found.get("message") or found.get("error") or found.get("error_message") or ""
    except (ValueError, AttributeError):
        said = "" if "<" in body else body
    return " ".join(str(said).split())[:300]
