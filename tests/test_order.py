"""Tests that share a server run on one worker."""

import re
from pathlib import Path

import pytest

from tests.order import LONGEST, SHARED, group

pytest_plugins = ["pytester"]


def test_a_folder_or_a_file_is_a_group():
    assert group("tests/airflow/test_kills.py") == group("tests/airflow/test_check.py") == "airflow"
    assert group("tests/airflow/test_start.py") != "airflow"
    assert group("tests/base/test_files.py") == "tests/base/test_files.py"
    assert set(LONGEST) <= set(SHARED.values())


def test_a_group_runs_on_one_worker(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[1]))
    # Each of the three processes would load every plugin that is installed.
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    test = "".join(f"def test_{n}(): pass\n" for n in range(4))
    for file in ("airflow/test_a", "airflow/test_b", "base/test_c", "base/test_d"):
        path = pytester.path / f"tests/{file}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(test)
    pytester.makeconftest(
        "from tests.order import Groups\n"
        "def pytest_xdist_make_scheduler(config, log): return Groups(config, log)\n"
    )
    options = ("-p", "xdist", "-n", "2", "--dist", "loadfile", "-v", "--import-mode=importlib")
    said = pytester.runpytest_subprocess(*options).stdout.str()
    ran = re.findall(r"^\[(gw\d)\] .* PASSED tests/(\w+)/", said, re.MULTILINE)
    assert len(ran) == 16
    assert len({worker for worker, folder in ran if folder == "airflow"}) == 1
