"""Folders in a store: whole or not there, as they were, fetched once."""

import shutil

import pytest

from beltline.storage import cache, folders, objects
from beltline.storage.errors import StoreError
from beltline.storage.url import parse

URL = parse("s3://bucket/Trainer/model/7")


@pytest.fixture
def made(tmp_path):
    folder = tmp_path / "made"
    (folder / "Format-Serving" / "assets").mkdir(parents=True)
    (folder / "Format-Serving" / "saved_model.pb").write_bytes(b"\0" * 1000)
    (folder / "grün 2.txt").write_text("x")
    (folder / "BLESSED").touch()
    return folder


def content(folder):
    return {
        str(each.relative_to(folder)): each.read_bytes() if each.is_file() else None
        for each in folder.rglob("*")
    }


def test_a_folder_comes_back_as_it_was(memory, made):
    assert not folders.exists(str(URL))
    folders.upload(URL, made)
    assert folders.exists(str(URL))
    found = folders.local(str(URL))
    assert content(found) == content(made)
    assert "Format-Serving/assets" in content(found)
    memory.store.clear()
    assert folders.local(str(URL)) == found, "it is in the cache"


def test_the_manifest_is_written_last(memory, made):
    folders.upload(URL, made)
    assert len(memory.writes) == 4
    assert memory.writes[-1] == f"{URL.path}/{folders.MANIFEST}"


def test_what_has_no_manifest_is_not_there(memory, made):
    objects.upload({URL / "BLESSED": made / "BLESSED"})
    assert not folders.exists(str(URL))
    with pytest.raises(StoreError, match="Trainer/model/7: it was deleted, or never completed"):
        folders.local(str(URL))
    assert not cache.entry(str(URL)).exists()


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"\0" * 999, "saved_model.pb is not what was uploaded"), (None, "a file of it was deleted")],
)
def test_a_file_that_was_changed_or_deleted(memory, made, content, said):
    folders.upload(URL, made)
    file = URL / "Format-Serving" / "saved_model.pb"
    objects.delete(file) if content is None else objects.write(file, content)
    with pytest.raises(StoreError, match=said):
        folders.local(str(URL))
    assert not cache.entry(str(URL)).exists()


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"[]",
        b"{",
        b'{"files": {"../x": {}}, "folders": []}',
        b'{"files": {}, "folders": ["/tmp/x"]}',
        b'{"files": 3, "folders": []}',
    ],
)
def test_what_is_no_manifest(memory, text):
    objects.write(URL / folders.MANIFEST, text)
    with pytest.raises(StoreError, match="not a manifest"):
        folders.local(str(URL))


def test_single_files(memory, made):
    folders.upload(URL, made)
    found = folders.local(str(URL), "*.txt", "absent/*")
    assert [each.name for each in found.rglob("*") if each.is_file()] == ["grün 2.txt"]
    assert not cache.entry(str(URL)).exists()
    whole = folders.local(str(URL))
    assert folders.local(str(URL), "BLESSED") == whole != found


def test_a_path_is_itself(made):
    assert folders.local(str(made), "x") == made
    assert folders.exists(str(made))
    assert not folders.exists(str(made / "absent"))


def test_what_is_made_here_is_not_fetched(memory, made):
    before = content(made)
    shutil.copytree(made, made.with_name("copy"))
    cache.put(str(URL), made)
    assert not made.exists()
    assert content(folders.local(str(URL))) == before
