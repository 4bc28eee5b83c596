"""The overlays of deploy/kubernetes as kubectl renders them, with secrets that secret.sh makes."""

import re
import shutil
import subprocess
import sys
from base64 import b64decode
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.kubeflow import packages

ROOT = Path(__file__).parents[2]
KUBERNETES = ROOT / "deploy/kubernetes"
KUBECTL = Path(sys.executable).with_name("kubectl")
OVERLAYS = ("example", "standalone")
# What secret.sh is told for each component that is a database.
DATABASES = {"mariadb": "mysql", "postgresql": "postgresql"}
# The components that each server needs besides; TensorFlow Serving is in the base.
SERVERS = {
    "tensorflow": (),
    "beltline": ("beltline-serve",),
    "samples": ("beltline-serve", "samples"),
}
SERVING, DATABASE = "beltline-serving", "beltline-database"
COPY, VERSIONS = "beltline-copy", "beltline-versions"


@dataclass(frozen=True)
class Rendered:
    """What `kubectl apply -k` would send."""

    overlay: str
    scheme: str
    objects: list[dict[str, Any]]
    server: str = "tensorflow"

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [each for each in self.objects if each["kind"] == kind]

    def one(self, kind: str, name: str) -> dict[str, Any]:
        [found] = [each for each in self.of(kind) if each["metadata"]["name"] == name]
        return found

    def pods(self) -> dict[str, dict[str, Any]]:
        """The pods that it makes, by what makes them."""
        makers = [*self.of("Deployment"), *self.of("StatefulSet")]
        return {each["metadata"]["name"]: each["spec"]["template"] for each in makers}

    def container(self, name: str) -> dict[str, Any]:
        """The only container of a pod, but for what runs before it."""
        [found] = self.pods()[name]["spec"]["containers"]
        return found

    def secret(self, name: str) -> dict[str, str]:
        data = self.one("Secret", name)["data"]
        return {key: b64decode(value).decode() for key, value in data.items()}

    @property
    def namespace(self) -> str:
        [found] = {each["metadata"]["namespace"] for each in self.of("Service")}
        return str(found)


def copied(folder: Path) -> Path:
    """A copy of what is committed."""
    ignore = shutil.ignore_patterns("*.env")
    return shutil.copytree(KUBERNETES, folder / "kubernetes", ignore=ignore)


def secret(overlay: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Calls secret.sh in the folder of an overlay."""
    script = overlay.parents[1] / "secret.sh"
    return subprocess.run(["sh", script, *words], cwd=overlay, capture_output=True, text=True)


def with_database(overlay: Path, database: str) -> Path:
    """The overlay with that component in the place of its own, as its comment says it can be."""
    file = overlay / "kustomization.yaml"
    chosen = f"  - ../../components/{database}"
    pattern = r"(?m)^  - \.\./\.\./components/(mariadb|postgresql) .*$"
    text, count = re.subn(pattern, chosen, file.read_text())
    assert count == 1
    file.write_text(text)
    return overlay


def with_server(overlay: Path, server: str) -> Path:
    """The overlay with the lines that its comments have for that server."""
    for component in SERVERS[server]:
        with_component(overlay, component)
    return overlay


def with_component(overlay: Path, component: str) -> Path:
    """The overlay with the line that its comments have for that component."""
    file = overlay / "kustomization.yaml"
    line = f"  - ../../components/{component}\n"
    commented = line.replace("  - ", "  # - ")
    text = file.read_text()
    assert text.count(commented) == 1
    file.write_text(text.replace(commented, line))
    return overlay


def rendered_with(component: str, overlay: str, folder: Path) -> Rendered:
    """An overlay with a component of the nodes' image, `registry.example/beltline:7`.

    Args:
      component: its name.
      overlay: one of `OVERLAYS`.
      folder: an empty one, for the copy.
    """
    place = with_component(copied(folder) / "overlays" / overlay, component)
    file = place / "kustomization.yaml"
    image = "images:\n  - {name: beltline, newName: registry.example/beltline, newTag: '7'}\n"
    file.write_text(file.read_text() + image)
    return render(place)


def with_image(overlay: Path) -> Path:
    """The overlay with the lines that its comments have for Beltline's image."""
    file = overlay / "kustomization.yaml"
    text, count = re.subn(
        r"(?m)^# (images:|  - \{name: beltline-serving,)", r"\1", file.read_text()
    )
    assert count == 2
    file.write_text(text)
    return overlay


def kustomize(overlay: Path) -> subprocess.CompletedProcess[str]:
    """Calls kubectl's kustomize."""
    return subprocess.run([KUBECTL, "kustomize", overlay], capture_output=True, text=True)


def render(overlay: Path, scheme: str = "mysql", server: str = "tensorflow") -> Rendered:
    """What the overlay makes; its secrets are written if they are not there."""
    if not (overlay / "metadata.env").exists():
        done = secret(overlay, scheme)
        assert done.returncode == 0, done.stderr
    done = kustomize(overlay)
    assert done.returncode == 0, done.stderr
    return Rendered(
        overlay.name, scheme, list(yaml.load_all(done.stdout, yaml.CSafeLoader)), server
    )


def lone_pods() -> dict[str, dict[str, Any]]:
    """The pods that somebody starts by hand, by their names."""
    files = [KUBERNETES / "copy.yaml", KUBERNETES / "versions.yaml"]
    pods = [yaml.load(file.read_text(), yaml.CSafeLoader) for file in files]
    return {pod["metadata"]["name"]: pod for pod in pods}


def executors(folder: Path, **settings: Any) -> dict[str, dict[str, Any]]:
    """What a package that is compiled into `folder` says of the pods of its tasks."""
    text = packages.compiled(folder, **settings).read_text()
    _, found = yaml.load_all(text, yaml.CSafeLoader)
    return dict(found["platforms"]["kubernetes"]["deploymentSpec"]["executors"])
