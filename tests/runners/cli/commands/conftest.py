"""A project of one's own, and an ML Metadata for it."""

import pytest

from tests.runners.projects import Ledger, paths, project


@pytest.fixture
def folder(tmp_path):
    project(tmp_path)
    return tmp_path


@pytest.fixture
def ledger(folder):
    return Ledger(paths(folder).metadata)
