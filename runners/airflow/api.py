"""Airflow's REST API (version 2).

`BELTLINE_AIRFLOW` is its URL with the login, `http://USER:PASSWORD@HOST:PORT`; by default
`http://127.0.0.1:8080`, without a login.
"""

import os
from typing import Any
from urllib.parse import unquote, urlsplit

import requests

from beltline.runners.checks.finding import Problem

AIRFLOW = "BELTLINE_AIRFLOW"
_DEFAULT = "http://127.0.0.1:8080"
_SECONDS = 10


class AirflowApi:
    """The REST API; every method raises Problem if Airflow is unreachable or rejects the login."""

    def __init__(self, url: str):
        parts = urlsplit(url)
        port = f":{parts.port}" if parts.port else ""
        self.url = f"{parts.scheme}://{parts.hostname}{port}{parts.path.rstrip('/')}"
        self._user = unquote(parts.username or "")
        self._password = unquote(parts.password or "")
        self._session = requests.Session()

    @classmethod
    def from_environment(cls) -> "AirflowApi":
        """Returns the API at the URL in the environment."""
        return cls(os.environ.get(AIRFLOW) or _DEFAULT)

    def answer(self, path: str, method: str = "GET", **body: Any) -> requests.Response:
        """Returns the response of an endpoint below `/api/v2`; `body` is sent as JSON."""
        if self._user and "Authorization" not in self._session.headers:
            self._log_in()
        return self._asked(method, f"/api/v2/{path}", body)

    def ask(self, path: str, method: str = "GET", **body: Any) -> Any:
        """Returns the parsed JSON response of an endpoint.

        Raises:
          Problem: the response is an error.
        """
        answer = self.answer(path, method, **body)
        if answer.status_code in (401, 403):
            raise Problem(f"{self.url} requires a login ({answer.status_code})", _LOG_IN)
        if not answer.ok:
            raise Problem(f"{self.url}/api/v2/{path}: {answer.status_code}", answer.text[:200])
        return answer.json()

    def _log_in(self) -> None:
        names = {"username": self._user, "password": self._password}
        answer = self._asked("POST", "/auth/token", names)
        if not answer.ok:
            raise Problem(f"{self.url} rejected the login of {self._user}", _LOG_IN)
        self._session.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"

    def _asked(self, method: str, path: str, body: dict[str, Any]) -> requests.Response:
        try:
            return self._session.request(
                method, self.url + path, json=body or None, timeout=_SECONDS
            )
        except requests.RequestException as error:
            why = type(error).__name__
            fix = f"start it (`make airflow`), or set {AIRFLOW}"
            raise Problem(f"{self.url} is not reachable ({why})", fix) from None


_LOG_IN = f"set {AIRFLOW}=http://USER:PASSWORD@HOST:PORT"
