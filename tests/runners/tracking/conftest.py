"""What the tests of tools share: a run in a real ML Metadata, and a real receiver."""

from collections.abc import Iterator

import pytest

from beltline.runners.paths import TRACKING, WEBHOOK
from tests.http_receiver import Receiver, receiving
from tests.runners.tracking.runs import Story


@pytest.fixture(autouse=True)
def no_tools(monkeypatch):
    for name in (TRACKING, WEBHOOK, "MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_TOKEN"):
        monkeypatch.setenv(name, "")


@pytest.fixture
def story(tmp_path) -> Story:
    return Story(tmp_path)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as found:
        yield found
