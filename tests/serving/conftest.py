"""Pushed versions, made once: saving one takes longer than loading it."""

import gc
import shutil
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def three_versions(tmp_path_factory):
    """A folder with versions 1, 2 and 3, that multiply by 10, 20 and 30. Not to be changed."""
    from tests.serving.servables.versions_made import push_line

    scratch = tmp_path_factory.mktemp("versions")
    for scale in (10, 20, 30):
        push_line(scratch / "served", scratch, scale)
    # As the server does once TensorFlow is there: each collection would walk through all of it.
    gc.collect()
    gc.freeze()
    return scratch / "served"


@pytest.fixture
def served_folder(three_versions, tmp_path) -> Path:
    """A folder of one's own with version 1."""
    shutil.copytree(three_versions / "1", tmp_path / "served" / "1")
    return tmp_path / "served"


@pytest.fixture
def bring(three_versions, served_folder):
    """Makes a copy of one of the three a version of that folder, as a push does: at once."""

    def copy(number: int, change=lambda version: None) -> Path:
        staged = served_folder / f".staged-{number}"
        shutil.copytree(three_versions / str(number), staged)
        change(staged)
        return staged.rename(served_folder / str(number))

    return copy
