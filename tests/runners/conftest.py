"""Nothing of this machine's paths reaches a test, nor of one test's another's."""

import pytest

from beltline.runners.paths import DATA, METADATA, ROOT


@pytest.fixture(autouse=True)
def no_places(monkeypatch):
    for name in (DATA, METADATA, ROOT):
        # Set first, so that what the code under test sets is taken away afterwards.
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)


@pytest.fixture
def kubeflow(monkeypatch):
    """A stub of Kubeflow's API, followed without pauses; what broke its rules is an error."""
    # Here, since Kubeflow's libraries take a while to load.
    from beltline.runners.kubeflow.server import follow
    from tests.kubeflow import stub

    monkeypatch.setattr(follow, "PAUSE_SECONDS", 0.01)
    monkeypatch.setattr(follow, "PATIENCE_SECONDS", 1.0)
    with stub.kubeflow() as known:
        yield known
