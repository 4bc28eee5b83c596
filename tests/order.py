"""Which tests run on one worker one after another, and which groups begin first.

Files that share something dear (a server, an image) are a group, any other file is one by itself.
The longest groups begin first, so that no worker is left with one of them at the end.
"""

import pytest

SHARED = {
    "tests/airflow/test_check.py": "airflow",
    "tests/airflow/test_kills.py": "airflow",
    "tests/airflow/test_monitoring.py": "airflow",
    "tests/airflow/test_scheduler.py": "airflow",
    "tests/deploy/test_image.py": "image",
    "tests/docs/test_docs.py": "docs",
    "tests/docs/test_outputs.py": "docs",
    "tests/kubeflow/test_containers.py": "image",
}
# What takes minutes, longest first; the order of all others makes no difference.
LONGEST = ["airflow", "image"]


def group(path: str) -> str:
    """Returns the group of a test's file, named by its path from the root."""
    return SHARED.get(path, path)


def in_groups(items: list[pytest.Item]) -> None:
    """Marks every test with its group, for `--dist loadgroup`, and sorts the groups."""
    place = {name: number for number, name in enumerate(LONGEST)}
    for item in items:
        item.add_marker(pytest.mark.xdist_group(group(item.nodeid.partition("::")[0])))
    items.sort(key=lambda item: place.get(group(item.nodeid.partition("::")[0]), len(place)))
