import re
import shutil
import sys
from pathlib import Path

import pytest

from beltline.base import digest
from beltline.base.errors import WrongInput
from beltline.bundle import environment

ROOT = Path(__file__).parents[2]
LOCK = "tfx==1.21.0 \\\n    --hash=sha256:00\n"


@pytest.fixture(autouse=True)
def prefix(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    environment.lock_digest.cache_clear()
    yield tmp_path
    environment.lock_digest.cache_clear()


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """A copy of Beltline's sources, as the place where it is installed."""
    for package in ("models", *environment.PACKAGES):
        shutil.copytree(ROOT / package, tmp_path / package)
    monkeypatch.setattr(environment, "__file__", str(tmp_path / "bundle/environment.py"))
    for each in (environment.source_digest, environment.models_digest):
        each.cache_clear()
    yield tmp_path
    for each in (environment.source_digest, environment.models_digest):
        each.cache_clear()


def install(prefix, text):
    (prefix / environment.LOCK).write_text(text)
    environment.lock_digest.cache_clear()


def test_without_a_lock_it_is_unlocked():
    assert environment.lock_digest() == "unlocked"


def test_it_is_the_digest_of_the_lock_that_was_installed(prefix):
    install(prefix, LOCK)
    first = environment.lock_digest()
    assert first == digest.of_lock(LOCK)[:16]
    install(prefix, LOCK.replace("1.21.0", "1.22.0"))
    assert environment.lock_digest() != first


def test_a_bundle_of_other_libraries_is_refused(prefix):
    install(prefix, LOCK)
    environment.check_lock(environment.lock_digest())
    with pytest.raises(WrongInput, match="other0123456789") as refused:
        environment.check_lock("other0123456789")
    assert environment.lock_digest() in str(refused.value)
    assert "make setup" in str(refused.value)


def test_where_one_side_knows_no_lock_there_is_nothing_to_compare(prefix):
    environment.check_lock("0123456789abcdef")
    install(prefix, LOCK)
    environment.check_lock("unlocked")


def test_environments_for_a_gpu_and_without_stand_for_the_same_libraries():
    pipeline, gpu, cpu = (
        (ROOT / f"requirements/{name}.txt").read_text() for name in ("pipeline", "gpu", "cpu")
    )
    assert "\nnvidia-cudnn-cu12==" in gpu
    assert "\ntensorflow-cpu==" in cpu
    assert digest.of_lock(gpu) == digest.of_lock(cpu) == digest.of_lock(pipeline)


def test_the_servers_libraries_are_those_of_the_pipeline():
    cpu, serving = (
        set(re.findall(r"^\S+==\S+", (ROOT / f"requirements/{name}.txt").read_text(), re.MULTILINE))
        for name in ("cpu", "serving")
    )
    # The exporter of traces is the server's alone.
    assert {line for line in serving - cpu if not line.startswith("opentelemetry-")} == set()
    assert {line.partition("==")[0] for line in serving - cpu}.isdisjoint(
        line.partition("==")[0] for line in cpu
    )


def test_wherever_the_same_sources_are_installed_their_digest_is_the_same(installed):
    copied = environment.source_digest()
    environment.source_digest.cache_clear()
    for bytecode in installed.rglob("__pycache__"):
        shutil.rmtree(bytecode)
    assert environment.source_digest() == copied
    assert len(copied) == 16


@pytest.mark.parametrize("package", environment.PACKAGES)
def test_a_change_of_any_package_changes_the_digest(installed, package):
    before = environment.source_digest()
    with (installed / package / "__init__.py").open("a") as source:
        source.write("# changed\n")
    environment.source_digest.cache_clear()
    assert environment.source_digest() != before


def test_a_changed_model_needs_no_other_image(installed):
    before, model = environment.source_digest(), environment.models_digest()
    with (installed / "models/network.py").open("a") as source:
        source.write("# changed\n")
    for each in (environment.source_digest, environment.models_digest):
        each.cache_clear()
    assert environment.source_digest() == before
    # It does where the package takes the model code from the image.
    assert environment.models_digest() != model
