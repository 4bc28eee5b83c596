"""One project for all that the pages show."""

from pathlib import Path

import pyarrow.csv
import pytest
import yaml

from beltline.data.casting import generate
from tests.beltline_process import Beltline, Result
from tests.docs.pages import blocks
from tests.end_to_end.projects import Project

# A few passes over few rows, and no model refused: the commands are asked here, not the model. The
# learners are those of the pages' 20,000 rows.
QUICK = {
    "model": {"learners": ["network", "trees"]},
    "training": {"epochs": 2},
    "evaluation": {"thresholds": {"auc": {"lower": 0.1}}, "champion": {"margin": -1.0}},
}

REFUSED = "beltline run --set data.path=later.csv"


@pytest.fixture(scope="module")
def written(beltline: Beltline, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """What the README's own commands make of a table, run once for all that is shown."""
    project = Project(beltline, tmp_path_factory.mktemp("docs"))
    pyarrow.csv.write_csv(generate(2000, 3), project.folder / "parts.csv")
    project.init(Path("parts.csv"), "scrap")
    file = project.folder / "pipeline.yaml"
    written = yaml.safe_load(file.read_text())
    written["evaluation"] |= QUICK["evaluation"]
    own = {section: QUICK[section] for section in ("model", "training")}
    file.write_text(yaml.safe_dump(written | own, allow_unicode=True))
    [code] = [block.text for block in blocks("python") if "def build_network" in block.text]
    (project.folder / "my_model.py").write_text(code)
    return project


@pytest.fixture(scope="module")
def first(written: Project) -> Result:
    """The first run of that project."""
    result = written("run")
    assert result.code == 0, result.text
    return result


@pytest.fixture(scope="module")
def again(written: Project, first: Result) -> Result:
    """A second run, where nothing has changed."""
    return written("run")


@pytest.fixture(scope="module")
def refused(written: Project, again: Result) -> Result:
    """A run on a later batch, with a mold that nobody has declared."""
    pyarrow.csv.write_csv(generate(2000, 8, later=True), written.folder / "later.csv")
    return written(*REFUSED.split()[1:])


@pytest.fixture(scope="module")
def project(written: Project, first: Result) -> Project:
    """That project with a version."""
    return written
