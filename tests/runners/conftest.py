"""Nothing of this machine's places reaches a test, nor of one test's another's."""

import pytest

from runners.places import DATA, METADATA, ROOT


@pytest.fixture(autouse=True)
def no_places(monkeypatch):
    for name in (DATA, METADATA, ROOT):
        # Set first, so that what the code under test sets is taken away afterwards.
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
