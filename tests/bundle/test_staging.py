"""A bundle on its way to its place: where it is staged, who may read it, and who was first."""

import os

import pytest

from beltline.bundle import folder
from beltline.bundle.code import packages
from tests.bundle.bundles import manifest

FILES = {"manifest.json": b"{}", "code.zip": b"code"}


def test_it_is_staged_beside_its_place_under_a_hidden_name(tmp_path):
    staged = folder.stage(tmp_path, FILES)
    assert staged.parent == tmp_path
    assert staged.name.startswith(".bundle-")
    assert {file.name: file.read_bytes() for file in staged.iterdir()} == FILES
    assert staged.stat().st_mode & 0o777 == 0o755
    assert {file.stat().st_mode & 0o777 for file in staged.iterdir()} == {0o644}


def test_a_bundle_is_staged_in_the_folder_that_it_goes_to(tmp_path, monkeypatch):
    # From another file system it could be copied only, and a reader would see a part of it.
    renames, rename = [], os.rename
    monkeypatch.setattr(os, "rename", lambda a, b: (renames.append((a, b)), rename(a, b)))
    made = folder.write(tmp_path / "bundles", manifest(), b"pipeline", b"code")
    [(staged, path)] = renames
    assert (staged.parent, path) == (tmp_path / "bundles", made.path)


def test_the_first_to_publish_wins(tmp_path):
    assert folder.publish(folder.stage(tmp_path, FILES), tmp_path / "b") is True
    late = folder.stage(tmp_path, {"manifest.json": b"late"})
    assert folder.publish(late, tmp_path / "b") is False
    assert [entry.name for entry in tmp_path.iterdir()] == ["b"]
    assert (tmp_path / "b" / "manifest.json").read_bytes() == b"{}"


def test_an_error_that_no_other_process_explains_is_raised(tmp_path):
    staged = folder.stage(tmp_path, FILES)
    with pytest.raises(FileNotFoundError):
        folder.publish(staged, tmp_path / "nowhere" / "b")
    assert list(tmp_path.iterdir()) == []


def test_what_cannot_be_staged_leaves_nothing(tmp_path):
    with pytest.raises(FileNotFoundError):
        folder.stage(tmp_path, {"code.zip": b"code", "missing/manifest.json": b"{}"})
    assert list(tmp_path.iterdir()) == []


def test_parents_are_made(tmp_path):
    made = folder.write(tmp_path / "a" / "b", manifest(), b"pipeline", b"code")
    assert made.path.parent == tmp_path / "a" / "b"


def test_a_digest_that_the_manifest_brings_along_does_not_count(tmp_path):
    fresh = folder.write(tmp_path, manifest(), b"pipeline", b"code")
    again = folder.write(tmp_path, fresh.manifest, b"pipeline", b"code")
    assert again == fresh


def test_the_manifest_is_indented_for_people(tmp_path):
    made = folder.write(tmp_path, manifest(), b"pipeline", b"code")
    text = (made.path / folder.MANIFEST).read_text()
    assert '\n  "name": "line",\n' in text
    assert text.endswith("}\n")


@pytest.mark.parametrize(
    ("files", "found"),
    [
        (["beltline/__init__.py"], set()),
        (["beltline/models/__init__.py"], {"beltline.models"}),
        (["beltline/models/network.py"], {"beltline.models"}),
        (["mine.py", "other/a/b.py"], {"mine", "other"}),
    ],
)
def test_packages_by_their_files(files, found):
    assert packages(dict.fromkeys(files, b"")) == found
