"""gs:// against a server of Google Cloud Storage's interface: objects, folders, versions, data."""

import os
from collections.abc import Iterator

import pytest

from beltline.pipeline import tables
from beltline.pipeline.tables.files import data_path
from beltline.storage import folders, lease, objects
from beltline.storage.errors import StoreError
from beltline.storage.url import ObjectUrl, parse
from beltline.versions import remote
from beltline.versions.folder import fetch, find, numbers
from beltline.versions.live import live, promote, rollback
from beltline.versions.push import push
from tests.google_store import BUCKET, google_store
from tests.storage.scenarios import check_objects
from tests.versions.pushed import model, whole


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with google_store() as url:
        yield url


@pytest.fixture
def url(server, request, tmp_path, monkeypatch) -> ObjectUrl:
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", server)
    monkeypatch.setenv("BELTLINE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(lease, "SETTLE", 0.01)
    monkeypatch.setattr(remote, "_PAUSE_SECONDS", 0.0)
    return parse(f"gs://{BUCKET}/{request.node.name}")


def test_objects_are_written_read_listed_and_deleted(url):
    check_objects(url)


def test_a_folder_is_there_when_its_manifest_is(url, tmp_path):
    made = tmp_path / "made"
    (made / "deep").mkdir(parents=True)
    large = os.urandom(3 << 20)
    (made / "deep" / "large.bin").write_bytes(large)
    (made / "empty").mkdir()
    assert not folders.exists(str(url))
    folders.upload(url, made)
    found = folders.local(str(url))
    assert (found / "deep" / "large.bin").read_bytes() == large
    assert (found / "empty").is_dir()
    objects.delete(url / folders.MANIFEST)
    assert not folders.exists(str(url))


def test_versions_are_pushed_promoted_and_rolled_back(url, tmp_path):
    for name in "ab":
        push(model(tmp_path / name, name), url, {"run": name})
    assert (numbers(url), live(url)) == ([1, 2], 2)
    assert promote(url, 1) == 2
    assert rollback(url) == (1, 2)
    version = find(url, 2)
    fetch(url, version)
    assert version.run == "b" and whole(version.path)


def test_a_table_is_read(url):
    objects.write(url / "parts.csv", b"width,scrap\n1.5,no\n2.5,yes\n")
    files = tables.data_files(data_path(str(url / "parts.csv")))
    [unit] = tables.units(files, 1_000)
    [block] = unit.blocks(tables.column_names(files))
    assert block.read()[0].to_pydict() == {"width": ["1.5", "2.5"], "scrap": ["no", "yes"]}


def test_a_bucket_that_is_not_there_is_named(url):
    with pytest.raises((StoreError, FileNotFoundError), match="absent"):
        objects.write(parse("gs://absent/one"), b"1")
