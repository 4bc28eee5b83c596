"""Preflight's digest counts Beltline's own code, package by package, and the locked versions."""

import shutil
from pathlib import Path

import pytest

from beltline.bundle import environment
from beltline.pipeline import preflight
from beltline.pipeline.preflight import check
from beltline.pipeline.settings.reading import read_project
from tests.pipeline.components.small import write


@pytest.fixture
def copied(tmp_path, monkeypatch):
    """A copy of Beltline's packages that preflight takes for the installed ones."""
    root = Path(preflight.__file__).parents[1]
    for name in ("base", "bundle", "pipeline", "runners", "serving", "storage", "versions"):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(root / name, tmp_path / "beltline" / name, ignore=ignored)
    file = tmp_path / "beltline" / "pipeline" / "preflight.py"
    monkeypatch.setattr(preflight, "__file__", str(file))
    return tmp_path / "beltline"


@pytest.fixture
def digest(tmp_path):
    """Asks for the digest of one small project."""
    file = write(tmp_path / "project")
    return lambda *overrides: check(read_project(file, overrides)).inputs_digest


@pytest.mark.parametrize(
    "file",
    [
        "base/digest.py",
        "bundle/manifest.py",
        "pipeline/compile.py",
        "pipeline/tables/kinds.py",
        "versions/loaded/session.py",
    ],
)
def test_a_change_of_our_own_code_is_a_new_run(copied, digest, file):
    before = digest()
    with (copied / file).open("a") as source:
        source.write("# changed\n")
    assert digest() != before


@pytest.mark.parametrize("file", ["runners/result.py", "serving/server.py", "versions/live.py"])
def test_code_that_no_result_depends_on_is_none(copied, digest, file):
    before = digest()
    with (copied / file).open("a") as source:
        source.write("# changed\n")
    assert digest() == before


def test_other_locked_versions_are_a_new_run(digest, monkeypatch):
    before = digest()
    monkeypatch.setattr(environment, "lock_digest", lambda: "another")
    assert digest() != before


@pytest.mark.parametrize(
    "override",
    ["evaluation.thresholds.auc.lower=0.7", "training.seed=8", "features.exclude=[part, hour]"],
)
def test_a_setting_that_a_result_depends_on_is_a_new_run(digest, override):
    assert digest(override) != digest()


@pytest.mark.parametrize(
    "override",
    [
        "local.max_active_nodes=1",
        "beam.dask.scheduler=tcp://127.0.0.1:8786",
        "serving.port=9999",
        "monitoring.skew=0.3",
        "tracking.prometheus=line.prom",
        "airflow.root=/r",
    ],
)
def test_where_it_runs_or_is_watched_is_none(digest, override):
    assert digest(override) == digest()
