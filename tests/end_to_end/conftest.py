"""A project on casting data after its first run, for the files that go on from there."""

import pytest

from tests.beltline_process import Beltline
from tests.end_to_end.projects import ANY_MODEL, NODES, Project, casting, states


@pytest.fixture(scope="session")
def casting_project(beltline: Beltline, tmp_path_factory: pytest.TempPathFactory) -> Project:
    project = casting(beltline, tmp_path_factory.mktemp("casting"))
    first = project("run", *ANY_MODEL)
    assert first.code == 0, first.text
    assert states(first) == dict.fromkeys(NODES, "done"), first.text
    assert "none to beat: this is the first model" in first.out
    assert project.versions() == ["1"]
    return project
