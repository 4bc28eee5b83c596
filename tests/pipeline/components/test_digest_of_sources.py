"""What TFX's cache learns of a change in our own components."""

import shutil
from pathlib import Path

import pytest

from beltline.base import values
from beltline.pipeline import components
from beltline.pipeline.components import digest_of_sources

COUNTED = (
    "components/pusher.py",
    "components/examples/row_split.py",
    "evaluation/metrics.py",
    "predictions/scoring.py",
    "tables/kinds.py",
    "tables/databases/sqlite.py",
)


@pytest.fixture
def copied(tmp_path, monkeypatch):
    """A copy of the package `pipeline`, whose digest it returns."""
    here = Path(components.__file__).parents[1]
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(here, tmp_path / "pipeline", ignore=ignored)
    # Of the sources as they are: it is remembered.
    digest_of_sources()
    init = tmp_path / "pipeline" / "components" / "__init__.py"
    monkeypatch.setattr(components, "__file__", str(init))
    return tmp_path / "pipeline"


def test_a_copy_has_the_same_digest(copied):
    assert digest_of_sources.__wrapped__() == digest_of_sources()
    assert len(digest_of_sources()) == 16


@pytest.mark.parametrize("file", COUNTED)
def test_any_changed_source_changes_it(copied, file):
    with (copied / file).open("a") as source:
        source.write("# changed\n")
    assert digest_of_sources.__wrapped__() != digest_of_sources()


@pytest.mark.parametrize("folder", ["components", "evaluation", "predictions", "tables"])
def test_a_new_source_changes_it(copied, folder):
    (copied / folder / "new.py").touch()
    assert digest_of_sources.__wrapped__() != digest_of_sources()


def test_another_meaning_of_values_changes_it(tmp_path, monkeypatch):
    before = digest_of_sources.__wrapped__()
    changed = tmp_path / "values.py"
    changed.write_text(Path(values.__file__).read_text() + "# changed\n")
    monkeypatch.setattr(values, "__file__", str(changed))
    assert digest_of_sources.__wrapped__() != before


def test_what_no_executor_imports_does_not_change_it(copied):
    for name in ("preflight.py", "init/draft.py", "settings/page.py"):
        with (copied / name).open("a") as source:
            source.write("# changed\n")
    assert digest_of_sources.__wrapped__() == digest_of_sources()
