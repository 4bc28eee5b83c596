"""Fixtures that several tests share."""

import gc
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from beltline.base.loading import loading
from tests import built_image, databases, docker_engine, memory_store, object_store
from tests.beltline_process import Beltline
from tests.order import Groups, longest_first
from tests.skips import Skips
from tests.versions import pushed

if TYPE_CHECKING:
    from beltline.versions.store import Place


def pytest_configure(config: pytest.Config) -> None:
    # With xdist, the process that hears of all tests.
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(Skips())


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """Imports all test files, and with them TensorFlow; none of it is looked through again."""
    with loading():
        return (yield)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    longest_first(items)


@pytest.fixture(autouse=True, scope="module")
def imported_by_tests() -> Iterator[None]:
    """Whatever the tests of a file have imported (TFX, say) is not looked through again, either."""
    before = len(sys.modules)
    yield
    if len(sys.modules) > before + 100:
        gc.freeze()


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Groups:
    return Groups(config, log)


@pytest.fixture(scope="session")
def beltline() -> Beltline:
    """The command line, in processes that find TFX imported."""
    return Beltline()


@pytest.fixture(scope="session")
def postgresql() -> Iterator[databases.Server]:
    """A PostgreSQL server."""
    with databases.postgresql() as server:
        yield server


@pytest.fixture(scope="session")
def mariadb() -> Iterator[databases.Server]:
    """A MariaDB server."""
    with databases.mariadb() as server:
        yield server


@pytest.fixture(scope="session")
def store() -> Iterator[object_store.Store]:
    """An S3 server."""
    with object_store.object_store() as server:
        yield server


@pytest.fixture
def bucket(
    store: object_store.Store, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> str:
    """A URL in the S3 server below which there is nothing yet; the environment leads to it."""
    for name, value in store.environment().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("BELTLINE_CACHE", str(request.getfixturevalue("tmp_path") / "cache"))
    return f"s3://{object_store.BUCKET}/{request.node.name}"


@pytest.fixture
def memory(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> memory_store.Memory:
    """An object store in this process, and a cache of its own."""
    monkeypatch.setenv("BELTLINE_CACHE", str(tmp_path_factory.mktemp("cache")))
    return memory_store.installed(monkeypatch)


@pytest.fixture(params=["folder", "store"])
def place(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> "Place":
    """Where no version is yet, in a folder and in an object store."""
    if request.param == "folder":
        return tmp_path / "parts"
    request.getfixturevalue("memory")
    monkeypatch.setattr("beltline.storage.lease.SETTLE", 0.01)
    monkeypatch.setattr("beltline.versions.remote._PAUSE_SECONDS", 0.0)
    return pushed.IN_STORE


@pytest.fixture
def faults(
    store: object_store.Store, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[object_store.Faults]:
    """Faults on the way to the S3 server."""
    del bucket
    with object_store.faulty(store) as (endpoint, made):
        monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
        yield made


@pytest.fixture(scope="session")
def docker() -> Iterator[docker_engine.Engine]:
    """A Docker engine."""
    with docker_engine.engine() as engine:
        yield engine


@pytest.fixture(scope="session")
def base_image(docker: docker_engine.Engine) -> Iterator[str]:
    """The name of an image that holds a bare Debian with Python 3."""
    with docker_engine.base_image(docker) as name:
        yield name


@pytest.fixture(scope="session")
def image(docker: docker_engine.Engine, base_image: str) -> Iterator[str]:
    """The name of the image that `make image` builds; that takes minutes."""
    with built_image.image(docker, base_image) as name:
        yield name
