"""Which tests run on one worker one after another, and which of them begin first.

Files that share something dear (a server, an image, compiled packages) are a group, any other file
is one by itself. The longest groups begin first, so that no worker is left with one at the end.
"""

from pathlib import PurePosixPath

import pytest
from xdist.scheduler import LoadScopeScheduling

# By folder, or by file where that is not enough.
SHARED = {
    "tests/airflow": "airflow",
    "tests/airflow/test_start.py": "start",
    "tests/deploy/test_image.py": "image",
    "tests/deploy/test_serving_image.py": "image",
    "tests/docs": "docs",
    "tests/end_to_end/test_casting_pages.py": "casting",
    "tests/end_to_end/test_casting_runs.py": "casting",
    "tests/kubeflow": "image",
    "tests/models/test_export.py": "training",
    "tests/models/test_training.py": "training",
    "tests/runners/checks/test_kubeflow.py": "packages",
    "tests/runners/cli/commands/test_submit.py": "packages",
    "tests/runners/kubeflow": "packages",
}
# What takes minutes, longest first; the order of all others makes no difference.
LONGEST = ["airflow", "image"]


def group(path: str) -> str:
    """Returns the group of a test's file, named by its path from the root."""
    file = PurePosixPath(path)
    for place in (file, *file.parents):
        if str(place) in SHARED:
            return SHARED[str(place)]
    return path


def longest_first(items: list[pytest.Item]) -> None:
    """Sorts tests by their group; those of one stay in their order."""
    place = {name: number for number, name in enumerate(LONGEST)}
    items.sort(key=lambda item: place.get(group(_file(item.nodeid)), len(place)))


class Groups(LoadScopeScheduling):
    """pytest-xdist's scheduling by scope, where a scope is a group.

    Its own `--dist loadgroup` marks the group in a test's id, which pytest 9.2 no longer allows.
    """

    def _split_scope(self, nodeid: str) -> str:
        return group(_file(nodeid))


def _file(nodeid: str) -> str:
    return nodeid.partition("::")[0]
