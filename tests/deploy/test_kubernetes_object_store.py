"""The component with which the server reads versions from an object store, into a bounded cache."""

import os
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest

from beltline.serving.__main__ import parser
from beltline.storage import cache
from beltline.storage.url import ObjectUrl
from tests.deploy import manifests
from tests.deploy.manifests import SERVING, Rendered
from tests.deploy.reach import Place, may_connect

PAGE = (manifests.ROOT / "docs/storage.md").read_text()
GIB = 1 << 30


def overlay(folder: Path, name: str = "example", served: bool = True) -> Path:
    """An overlay with the component, as its comments show it."""
    found = manifests.copied(folder) / "overlays" / name
    for component in ("beltline-serve", "object-store"):
        manifests.with_component(found, component)
    model = found / "model.yaml"
    if served:
        assert "  # served: s3://models/served\n" in model.read_text()
        model.write_text(model.read_text().replace("# served: ", "served: "))
    return found


@pytest.fixture(scope="module", params=manifests.OVERLAYS)
def rendered(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Rendered:
    folder = overlay(tmp_path_factory.mktemp(request.param), request.param)
    return manifests.render(folder, server="beltline")


def environment(container: dict[str, Any]) -> dict[str, str]:
    return {each["name"]: each["value"] for each in container["env"] if "value" in each}


def test_every_object_is_one(rendered: Rendered) -> None:
    version = kubernetes_validate.latest_version().removesuffix(".0")
    for each in rendered.objects:
        kubernetes_validate.validate(each, version, strict=True)


def test_the_server_is_given_the_url_of_the_versions(rendered: Rendered) -> None:
    container = rendered.container(SERVING)
    words = container["args"]
    for name, value in environment(container).items():
        words = [word.replace(f"$({name})", value) for word in words]
    given = parser().parse_args(words)
    assert given.folder == ObjectUrl("s3", "models", "served/casting")
    assert given.name == "casting"


def test_credentials_come_from_a_secret_alone(rendered: Rendered) -> None:
    container = rendered.container(SERVING)
    # Required: a misspelled name must not begin a pod that can read nothing.
    assert container["envFrom"] == [{"secretRef": {"name": "beltline-store"}}]
    assert not [name for name in environment(container) if name.startswith(("AWS", "GOOGLE"))]
    assert "generic beltline-store" in PAGE


def test_the_cache_is_bounded_and_the_only_thing_written(
    rendered: Rendered, monkeypatch: pytest.MonkeyPatch
) -> None:
    container, pod = rendered.container(SERVING), rendered.pods()[SERVING]["spec"]
    for name, value in environment(container).items():
        monkeypatch.setenv(name, value)
    mounted = {each["mountPath"]: each["name"] for each in container["volumeMounts"]}
    assert mounted == {"/cache": "cache", "/tmp": "tmp"}  # noqa: S108 - the container's
    assert str(cache.entry("any").parent) == os.environ[cache.FOLDER] == "/cache"
    [limit] = [each["emptyDir"]["sizeLimit"] for each in pod["volumes"] if each["name"] == "cache"]
    assert int(os.environ[cache.MEGABYTES]) * 1_000_000 < int(limit.removesuffix("Gi")) * GIB
    assert {each["name"] for each in pod["volumes"]} == {"cache", "tmp"}


def test_it_reaches_the_store_and_nothing_else(rendered: Rendered) -> None:
    policies, namespace = rendered.of("NetworkPolicy"), rendered.namespace
    serving = Place(namespace, rendered.pods()[SERVING]["metadata"]["labels"], ports={"rest": 8501})
    assert may_connect(policies, serving, Place(), 443)
    assert not may_connect(policies, serving, Place(), 25)
    assert may_connect(policies, Place(namespace, {"beltline/client": "true"}), serving, 8501)
    assert not may_connect(policies, Place(namespace, {"app": "shop"}), serving, 8501)


def test_samples_go_on_the_volume(tmp_path: Path) -> None:
    folder = overlay(tmp_path)
    file = folder / "kustomization.yaml"
    store = "  - ../../components/object-store\n"
    text = file.read_text().replace("  # - ../../components/samples\n", "")
    file.write_text(text.replace(store, f"{store}  - ../../components/samples\n"))
    container = manifests.render(folder, server="samples").container(SERVING)
    assert {"/beltline/requests", "/cache"} < {e["mountPath"] for e in container["volumeMounts"]}
    assert container["args"][1] == "--folder=$(SERVED)/$(MODEL)"


@pytest.mark.parametrize(
    ("others", "served", "said"),
    [
        (("object-store",), True, "error in test for path"),
        (("beltline-serve", "samples", "object-store"), True, "volumes/0 failed: test failed"),
        (("beltline-serve", "object-store"), False, "data.served"),
    ],
)
def test_what_does_not_fit_together_is_refused(
    tmp_path: Path, others: tuple[str, ...], served: bool, said: str
) -> None:
    folder = overlay(tmp_path, served=served)
    file = folder / "kustomization.yaml"
    lines = [f"  - ../../components/{each}\n" for each in ("beltline-serve", "object-store")]
    text = file.read_text()
    for line in lines:
        text = text.replace(line, "")
    model = "  - ../../components/model\n"
    chosen = "".join(f"  - ../../components/{each}\n" for each in others)
    file.write_text(text.replace(model, model + chosen))
    assert manifests.secret(folder, "mysql").returncode == 0
    done = manifests.kustomize(folder)
    assert done.returncode == 1
    assert said in done.stderr
