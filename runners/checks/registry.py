"""The labels of an image: from its registry, or from the local Docker engine.

The cluster pulls from the registry, so the registry comes first if the name has one. It is read
over its REST API (OCI distribution), with the login of `docker login`: Docker's SDK needs an engine
for that, and returns no labels.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, TypeVar
from urllib.parse import urlsplit

import docker
import requests
from docker import auth
from docker.errors import DockerException, ImageNotFound
from docker.utils import parse_repository_tag

from beltline.runners.checks.finding import CheckSkipped, Problem

_T = TypeVar("_T")
_SECONDS = 15
_PLATFORM = ("linux", "amd64")
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
_REPOSITORY = re.compile(r"[a-z0-9]+([._-]+[a-z0-9]+)*(/[a-z0-9]+([._-]+[a-z0-9]+)*)*")


@dataclass(frozen=True)
class ImageLabels:
    """The labels of an image, and where they were read."""

    values: dict[str, str]
    where: str


@dataclass(frozen=True)
class ImageName:
    """The parts of an image's name; `host` is empty if the name has no registry."""

    host: str
    repository: str
    reference: str

    @classmethod
    def read(cls, image: str) -> "ImageName":
        """Returns the parts of `[HOST/]REPOSITORY[:TAG][@DIGEST]`.

        Raises:
          Problem: the name is invalid.
        """
        name, _, digest = image.partition("@")
        name, tag = parse_repository_tag(name)
        try:
            index, repository = auth.resolve_repository_name(name)
        except DockerException:
            repository = ""
        if not _REPOSITORY.fullmatch(repository):
            raise Problem(f"invalid image name '{image}'", "fix `kubeflow.image`")
        host = "" if index == auth.INDEX_NAME else index
        return cls(host, repository, digest or tag or "latest")


def labels(image: str) -> ImageLabels:
    """Returns the labels of an image for Linux on x86-64.

    Raises:
      CheckSkipped: neither the registry nor an engine is available, with both reasons.
    """
    name = ImageName.read(image)
    asked: list[Callable[[], ImageLabels]] = [lambda: of_engine(image), lambda: of_registry(name)]
    if name.host:
        asked.reverse()
    reasons = []
    for ask in asked:
        try:
            return ask()
        except CheckSkipped as error:
            reasons.append(str(error))
    raise CheckSkipped("; ".join(reasons))


def of_engine(image: str) -> ImageLabels:
    """Returns the labels of an image in the local Docker engine.

    Raises:
      CheckSkipped: there is no engine, or no such image in it.
    """
    try:
        client = docker.from_env(timeout=_SECONDS)
        try:
            found = client.images.get(image).attrs
            return ImageLabels(_labels_of(found, "Config"), "in the local Docker engine")
        finally:
            client.close()
    except ImageNotFound:
        raise CheckSkipped(f"{image} not found in the local Docker engine") from None
    except (AttributeError, DockerException, ValueError, requests.RequestException):
        # Its client also fails on an invalid file of logins.
        raise CheckSkipped("no local Docker engine is reachable") from None


def of_registry(name: ImageName) -> ImageLabels:
    """Returns the labels of an image in its registry.

    Raises:
      CheckSkipped: the registry is not reachable.
    """
    registry = Registry(name.host or _HUB, name.repository)
    return _asked(
        registry, lambda: ImageLabels(registry.labels(name.reference), f"at {registry.host}")
    )


def digest(name: ImageName) -> str:
    """Returns the digest that a tag has in its registry: that of its index, if it has one.

    Raises:
      CheckSkipped: the registry is not reachable.
    """
    registry = Registry(name.host or _HUB, name.repository)
    return _asked(registry, lambda: registry.digest(name.reference))


def _asked(registry: "Registry", ask: Callable[[], _T]) -> _T:
    try:
        return ask()
    except requests.HTTPError as error:
        raise CheckSkipped(f"{registry.host} returned {error.response.status_code}") from None
    except (requests.ConnectionError, requests.Timeout) as error:
        why = type(error).__name__
        raise CheckSkipped(f"registry {registry.host} is not reachable ({why})") from None
    except (AttributeError, KeyError, TypeError, ValueError, requests.RequestException):
        raise CheckSkipped(f"{registry.host} is not a registry") from None


def _labels_of(image: dict[str, Any], key: str) -> dict[str, str]:
    """Returns the labels in an image's configuration, which may have none."""
    return dict((image.get(key) or {}).get("Labels") or {})


class Registry:
    """One repository of a registry."""

    def __init__(self, host: str, repository: str):
        # As Docker does: without TLS only on this machine.
        scheme = "http" if _is_here(f"//{host}") else "https"
        repository = repository if "/" in repository or host != _HUB else f"library/{repository}"
        self.host = host
        self._repository = repository
        self._url = f"{scheme}://{host}/v2/{repository}"
        self._session = requests.Session()

    def labels(self, reference: str) -> dict[str, str]:
        """Returns the labels of the image for Linux on x86-64 that a tag or digest names."""
        manifest = self._manifest(reference)
        if manifest.get("mediaType") in _LISTS or "manifests" in manifest:
            manifest = self._manifest(self._for_linux(manifest))
        config = self._ask(f"blobs/{manifest['config']['digest']}").json()
        return _labels_of(config, "config")

    def digest(self, reference: str) -> str:
        """Returns the digest of the manifest or the index that a tag names."""
        content = self._ask(f"manifests/{reference}", Accept=", ".join(_MANIFESTS)).content
        return f"sha256:{sha256(content).hexdigest()}"

    def _for_linux(self, index: dict[str, Any]) -> str:
        for each in index["manifests"]:
            platform = each.get("platform") or {}
            if (platform.get("os"), platform.get("architecture")) == _PLATFORM:
                return str(each["digest"])
        what = f"{self.host} has no {self._repository} for Linux on x86-64"
        raise Problem(what, "build it for linux/amd64 and push it")

    def _manifest(self, reference: str) -> dict[str, Any]:
        answer = self._ask(f"manifests/{reference}", Accept=", ".join(_MANIFESTS))
        return dict(answer.json())

    def _ask(self, path: str, **headers: str) -> requests.Response:
        answer = self._session.get(f"{self._url}/{path}", headers=headers, timeout=_SECONDS)
        if answer.status_code == requests.codes.unauthorized:
            self._log_in(answer.headers.get("WWW-Authenticate", ""))
            answer = self._session.get(f"{self._url}/{path}", headers=headers, timeout=_SECONDS)
        if answer.status_code in (401, 403):
            login = "docker login" + (f" {self.host}" if self.host != _HUB else "")
            raise CheckSkipped(f"{self.host} requires a login for {self._repository}: `{login}`")
        if answer.status_code == requests.codes.not_found:
            what = f"{self._repository} ({path.rpartition('/')[2]}) not found at {self.host}"
            raise Problem(what, "build the image (`make image`) and push it, or fix the name")
        answer.raise_for_status()
        return answer

    def _log_in(self, challenge: str) -> None:
        """Logs in as the registry requires: with name and password, or with a token for them."""
        login = self._login()
        kind, _, rest = challenge.partition(" ")
        if kind.lower() != "bearer":
            self._session.auth = login
            return
        asked = dict(re.findall(r'(\w+)="([^"]*)"', rest))
        realm = asked.pop("realm")
        # The password goes there: it must not leave this machine without TLS.
        if not realm.startswith("https:") and not (_is_here(self._url) and _is_here(realm)):
            raise CheckSkipped(f"{self.host} requires a login over a connection without TLS")
        answer = requests.get(realm, params=asked, auth=login, timeout=_SECONDS)
        if answer.ok:
            token = answer.json()
            self._session.auth = _Bearer(token.get("token") or token["access_token"])

    def _login(self) -> tuple[str, str] | None:
        host = auth.INDEX_NAME if self.host == _HUB else self.host
        try:
            found = auth.load_config().resolve_authconfig(host) or {}
        except (AttributeError, DockerException, ValueError):
            # An invalid file, or a broken credential store.
            return None
        # Credential stores spell the keys differently.
        found = {key.lower(): value for key, value in found.items()}
        name, password = found.get("username"), found.get("password")
        return (name, password) if name and password else None


class _Bearer(requests.auth.AuthBase):
    """Sends a token; a login in ~/.netrc would override a header of the session."""

    def __init__(self, token: str):
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request


def _is_here(url: str) -> bool:
    return urlsplit(url).hostname in ("localhost", "127.0.0.1")
