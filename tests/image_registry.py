"""A real registry of images for tests, as Debian brings it, and images that have only labels.

Several servers may have the same images: one to push to, others that want a login.
"""

import base64
import hashlib
import json
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml

from tests.databases import free_port, owned_folder

USER = "beltline"
PASSWORD = "planted-password-of-the-registry"  # noqa: S105 - of the tests' own registry
# It as bcrypt has it.
_HASHED = "$2b$04$abcdefghijklmnopqrstuu6qLw2cVA3Yepvrw.6mRpsU9snRuF.5u"
_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
_CONFIG = "application/vnd.docker.container.image.v1+json"
_LAYER = "application/vnd.docker.image.rootfs.diff.tar.gzip"
_OCI = "application/vnd.oci.image"

Labels = Mapping[str, str]


@dataclass(frozen=True)
class Registry:
    """A registry; `host` is what stands before an image's name."""

    host: str
    folder: Path
    become: list[str]

    def push(self, repository: str, labels: Labels | None, tag: str = "1") -> str:
        """Pushes an image as Docker does, and returns its digest."""
        config = self._config(repository, labels, "amd64", _CONFIG)
        manifest = {
            "schemaVersion": 2,
            "mediaType": _MANIFEST,
            "config": config,
            "layers": [self._blob(repository, b"layer", _LAYER)],
        }
        return self._manifest(repository, tag, _MANIFEST, manifest)

    def push_index(self, repository: str, by_platform: Mapping[str, Labels], tag: str = "1") -> str:
        """Pushes an image for several platforms as OCI has it, and returns its digest."""
        entries = []
        for architecture, labels in by_platform.items():
            config = self._config(repository, labels, architecture, f"{_OCI}.config.v1+json")
            layer = self._blob(repository, b"layer", f"{_OCI}.layer.v1.tar+gzip")
            kind = f"{_OCI}.manifest.v1+json"
            manifest = {"schemaVersion": 2, "mediaType": kind, "config": config, "layers": [layer]}
            digest = self._manifest(repository, "", kind, manifest)
            platform = {"os": "linux", "architecture": architecture}
            size = len(json.dumps(manifest))
            entry = {"mediaType": kind, "digest": digest, "size": size, "platform": platform}
            entries.append(entry)
        kind = f"{_OCI}.index.v1+json"
        index = {"schemaVersion": 2, "mediaType": kind, "manifests": entries}
        return self._manifest(repository, tag, kind, index)

    @contextmanager
    def guarded(self, **auth: Any) -> Iterator[str]:
        """Starts one more server of the same images, which wants a login; yields its host."""
        with _server(self.folder, self.become, auth) as host:
            yield host

    def passwords(self) -> dict[str, str]:
        """Returns what `guarded` needs for a login with USER and PASSWORD."""
        file = self.folder / "htpasswd"
        file.write_text(f"{USER}:{_HASHED}\n")
        file.chmod(0o644)
        return {"realm": "tests", "path": str(file)}

    def _config(
        self, repository: str, labels: Labels | None, architecture: str, kind: str
    ) -> dict[str, Any]:
        config: dict[str, Any] = {"os": "linux", "architecture": architecture}
        if labels is not None:
            config["config"] = {"Labels": dict(labels)}
        return self._blob(repository, json.dumps(config).encode(), kind)

    def _blob(self, repository: str, content: bytes, kind: str) -> dict[str, Any]:
        digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
        begun = requests.post(f"http://{self.host}/v2/{repository}/blobs/uploads/", timeout=30)
        begun.raise_for_status()
        to, asked = begun.headers["Location"], {"digest": digest}
        requests.put(to, content, params=asked, timeout=30).raise_for_status()
        return {"mediaType": kind, "size": len(content), "digest": digest}

    def _manifest(self, repository: str, tag: str, kind: str, manifest: dict[str, Any]) -> str:
        content = json.dumps(manifest).encode()
        digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
        url = f"http://{self.host}/v2/{repository}/manifests/{tag or digest}"
        put = requests.put(url, content, headers={"Content-Type": kind}, timeout=30)
        assert put.ok, put.text
        return digest


@contextmanager
def registry() -> Iterator[Registry]:
    """Starts a registry that lets everybody in; skips the test where the program is not there."""
    if not shutil.which("docker-registry"):
        pytest.skip("no registry of images is installed (Debian: docker-registry)")
    with owned_folder("docker-registry") as (folder, become), _server(folder, become, {}) as host:
        yield Registry(host, folder, become)


@contextmanager
def _server(folder: Path, become: list[str], auth: dict[str, Any]) -> Iterator[str]:
    host = f"127.0.0.1:{free_port()}"
    file = folder / f"{host}.yaml"
    settings = {
        "version": "0.1",
        "log": {"level": "warn"},
        "storage": {"filesystem": {"rootdirectory": f"{folder}/images"}},
        "http": {"addr": host, "secret": "of no use to anybody"},
        **({"auth": auth} if auth else {}),
    }
    file.write_text(yaml.safe_dump(settings))
    file.chmod(0o644)
    log = folder / f"{host}.log"
    with log.open("ab") as output:
        process = subprocess.Popen(
            [*become, "docker-registry", "serve", str(file)], stdout=output, stderr=output, cwd="/"
        )
    try:
        _wait_for(host, process, log)
        yield host
    finally:
        process.terminate()
        process.wait(30)


def _wait_for(host: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            requests.get(f"http://{host}/v2/", timeout=5)
            return
        except requests.RequestException:
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.05)


def docker_config(folder: Path, host: str, password: str = PASSWORD) -> Path:
    """Writes what `docker login` does into a folder for DOCKER_CONFIG, and returns it."""
    login = base64.b64encode(f"{USER}:{password}".encode()).decode()
    folder.mkdir(exist_ok=True)
    (folder / "config.json").write_text(json.dumps({"auths": {host: {"auth": login}}}))
    return folder
