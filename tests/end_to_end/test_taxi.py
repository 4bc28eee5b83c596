"""Real data that nobody here wrote: the Chicago taxi trips inside the installed tfx package."""

import json
from pathlib import Path

import pytest

from beltline.data.taxi import main as write_taxi
from tests.beltline_process import Beltline
from tests.end_to_end.projects import Project

pytestmark = pytest.mark.slow


def test_default_settings_reach_the_target(beltline: Beltline, tmp_path: Path) -> None:
    """AUC by TFMA on the held-out split, with what `init` writes and nothing else."""
    write_taxi(["-o", str(tmp_path / "taxi.csv")], standalone_mode=False)
    project = Project(beltline, tmp_path)
    project.init(tmp_path / "taxi.csv", "big_tip")
    result = project("run")
    assert result.code == 0, result.text
    card = json.loads((project.root / "served/taxi/1/assets.extra/version.json").read_text())
    print(result.out)
    assert card["metrics"]["auc"] >= 0.94
