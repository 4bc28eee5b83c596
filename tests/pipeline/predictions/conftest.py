"""A small version that the tests of this folder share."""

import pytest

from tests.serving import running


@pytest.fixture(scope="session")
def line(tmp_path_factory):
    """A version folder, of which version 1 is the small model."""
    folder = tmp_path_factory.mktemp("served") / "line"
    running.small_model(folder / "1")
    return folder
