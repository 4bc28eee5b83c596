"""What is said of Dataflow without asking Google: before a run begins, and by the check."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from beltline.base.errors import WrongInput
from beltline.base.settings.beam import Beam
from beltline.runners.checks.beam import beam
from beltline.runners.checks.finding import Problem
from beltline.runners.cli.main import cli
from beltline.runners.paths import Paths
from tests.runners.beam.test_arguments import DATAFLOW

ROOT = Path(__file__).parents[3]
SETS = [f"beam.dataflow.{key}={value}" for key, value in DATAFLOW.items()]
SENT = [word for each in ["beam.runner=dataflow", *SETS] for word in ("--set", each)]


def test_the_check_refuses_a_folder(tmp_path: Path) -> None:
    chosen = Beam.model_validate({"runner": "dataflow", "dataflow": DATAFLOW})
    paths = Paths(tmp_path, "sqlite:///unused", tmp_path, chosen)
    with pytest.raises(Problem, match=f"workers can't reach the root {tmp_path}: ") as caught:
        beam(paths)
    assert caught.value.fix == "see docs/scale.md, Google's Dataflow"


def test_a_run_is_refused_before_anything_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "root"
    monkeypatch.setenv("BELTLINE_ROOT", str(root))
    # The command sets it otherwise, for the tests behind this one too.
    monkeypatch.setenv("BELTLINE_DATA", str(ROOT))
    done = CliRunner().invoke(cli, ["run", "-f", str(ROOT / "pipeline.yaml"), *SENT])
    assert isinstance(done.exception, WrongInput), done.output
    assert f"Dataflow's workers can't reach the root {root}" in str(done.exception)
    assert not root.exists()
