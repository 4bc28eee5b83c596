"""Fixtures that several tests share."""

import pytest

from tests.beltline_process import Beltline


@pytest.fixture(scope="session")
def beltline() -> Beltline:
    """The command line, in processes that find TFX imported."""
    return Beltline()
