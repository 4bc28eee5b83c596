"""The labels of an image: from its registry, or from the Docker engine here.

What the cluster pulls is the registry's, so that one is asked first where the name holds one. It is
read by the registry's REST API (Docker's, version 2), with the login of `docker login`.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import docker
import requests
from docker import auth
from docker.errors import DockerException, ImageNotFound
from docker.utils import parse_repository_tag

from runners.finding import Problem
from runners.kubeflow.unchecked import Unchecked

_SECONDS = 15
_HUB = "registry-1.docker.io"
_LISTS = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
)
_MANIFESTS = (
    *_LISTS,
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)


@dataclass(frozen=True)
class Labels:
    """An image's labels, and where they were read."""

    values: dict[str, str]
    where: str


@dataclass(frozen=True)
class Name:
    """An image's name in its parts; `host` is empty where the name holds no registry."""

    host: str
    repository: str
    reference: str

    @classmethod
    def read(cls, image: str) -> "Name":
        """Returns the parts of `[HOST/]REPOSITORY[:TAG][@DIGEST]`."""
        name, _, digest = image.partition("@")
        name, tag = parse_repository_tag(name)
        index, repository = auth.resolve_repository_name(name)
        host = "" if index == auth.INDEX_NAME else index
        return cls(host, repository, digest or tag or "latest")


def labels(image: str) -> Labels:
    """Returns an image's labels.

    Raises:
      Problem: the registry has no such image.
      Unchecked: neither the registry nor an engine could be asked, with both reasons.
    """
    name = Name.read(image)
    asked: list[Callable[[], Labels]] = [lambda: of_engine(image), lambda: of_registry(name)]
    if name.host:
        asked.reverse()
    reasons = []
    for ask in asked:
        try:
            return ask()
        except Unchecked as error:
            reasons.append(str(error))
    raise Unchecked("; ".join(reasons))


def of_engine(image: str) -> Labels:
    """Returns the labels of an image that the Docker engine here has; else raises Unchecked."""
    try:
        client = docker.from_env(timeout=_SECONDS)
        try:
            return Labels(dict(client.images.get(image).labels), "in the Docker engine here")
        finally:
            client.close()
    except ImageNotFound:
        raise Unchecked(f"the Docker engine here has no {image}") from None
    except (DockerException, requests.RequestException):
        raise Unchecked("no Docker engine answers here") from None


def of_registry(name: Name) -> Labels:
    """Returns the labels of an image in its registry; Problem if that has no such image."""
    registry = Registry(name.host or _HUB, name.repository)
    try:
        return Labels(registry.labels(name.reference), f"at {registry.host}")
    except requests.RequestException as error:
        why = type(error).__name__
        raise Unchecked(f"the registry {registry.host} doesn't answer ({why})") from None
    except (KeyError, StopIteration, TypeError, ValueError):
        raise Unchecked(f"{registry.host} answers, but not as a registry") from None


class Registry:
    """One repository of a registry."""

    def __init__(self, host: str, repository: str):
        # As Docker does: without TLS on this machine alone.
        own = host.partition(":")[0] in ("localhost", "127.0.0.1")
        repository = repository if "/" in repository or host != _HUB else f"library/{repository}"
        self.host = host
        self._repository = repository
        self._url = f"{'http' if own else 'https'}://{host}/v2/{repository}"
        self._session = requests.Session()

    def labels(self, reference: str) -> dict[str, str]:
        """Returns the labels of the image for Linux on x86-64 that a tag or digest names."""
        manifest = self._manifest(reference)
        if manifest.get("mediaType") in _LISTS or "manifests" in manifest:
            manifest = self._manifest(_for_linux(manifest))
        config = self._ask(f"blobs/{manifest['config']['digest']}").json()
        return dict(config["config"].get("Labels") or {})

    def _manifest(self, reference: str) -> dict[str, Any]:
        answer = self._ask(f"manifests/{reference}", Accept=", ".join(_MANIFESTS))
        return dict(answer.json())

    def _ask(self, path: str, **headers: str) -> requests.Response:
        answer = self._session.get(f"{self._url}/{path}", headers=headers, timeout=_SECONDS)
        if answer.status_code == requests.codes.unauthorized:
            self._log_in(answer.headers.get("WWW-Authenticate", ""))
            answer = self._session.get(f"{self._url}/{path}", headers=headers, timeout=_SECONDS)
        if answer.status_code in (401, 403):
            raise Unchecked(
                f"{self.host} wants a login for {self._repository}: `docker login {self.host}`"
            )
        if answer.status_code == requests.codes.not_found:
            what = f"{self.host} has no {self._repository} ({path.rpartition('/')[2]})"
            raise Problem(what, "build the image (`make image`) and push it, or correct the name")
        answer.raise_for_status()
        return answer

    def _log_in(self, challenge: str) -> None:
        """Takes the way that the registry asks for: name and password, or a token for them."""
        login = self._login()
        kind, _, rest = challenge.partition(" ")
        if kind.lower() != "bearer":
            self._session.auth = login
            return
        asked = dict(re.findall(r'(\w+)="([^"]*)"', rest))
        realm = asked.pop("realm")
        if not realm.startswith(self._url.partition("://")[0]):
            raise Unchecked(f"{self.host} wants a login over a connection without TLS")
        answer = requests.get(realm, params=asked, auth=login, timeout=_SECONDS)
        if answer.ok:
            token = answer.json()
            bearer = token.get("token") or token["access_token"]
            self._session.headers["Authorization"] = f"Bearer {bearer}"

    def _login(self) -> tuple[str, str] | None:
        host = auth.INDEX_NAME if self.host == _HUB else self.host
        try:
            found = auth.load_config().resolve_authconfig(host) or {}
        except DockerException:
            # A credential store that doesn't work.
            return None
        name, password = found.get("username"), found.get("password")
        return (name, password) if name and password else None


def _for_linux(index: dict[str, Any]) -> str:
    platforms = ((each.get("platform") or {}, each) for each in index["manifests"])
    return next(
        str(each["digest"])
        for platform, each in platforms
        if (platform.get("os"), platform.get("architecture")) == ("linux", "amd64")
    )
