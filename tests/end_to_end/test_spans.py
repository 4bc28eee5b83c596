"""A day's file a day: which rows a run takes, and what happens on a day without any."""

import json
import os
from pathlib import Path

import pyarrow.csv
import pytest

from beltline.data.casting import generate
from beltline.runners.metadata.store import Lineage
from tests.beltline_process import Beltline, Result
from tests.end_to_end.projects import Project, casting, states

pytestmark = pytest.mark.slow

ROWS = {"2026-11-22": 1500, "2026-11-23": 1700}
TO_THE_DATA = ("--set", "data.path=in/{YYYY}-{MM}-{DD}.csv", "--to", "ExampleGen")


@pytest.fixture(scope="module")
def project(beltline: Beltline, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project with two days, both of which were run."""
    project = casting(beltline, tmp_path_factory.mktemp("spans"), rows=1500)
    (project.folder / "in").mkdir()
    for day, rows in ROWS.items():
        pyarrow.csv.write_csv(generate(rows, rows), project.folder / "in" / f"{day}.csv")
    for day in ROWS:
        result = project("run", *TO_THE_DATA, "--set", f"data.span={day}")
        assert states(result) == {"ExampleGen": "done"}, result.text
    return project


def lineage(project: Project) -> Lineage:
    return Lineage(f"sqlite:///{project.root}/metadata.sqlite", "casting")


def examples(project: Project, run: str) -> dict[str, object]:
    found = lineage(project).node(run, "ExampleGen")
    assert found is not None
    return dict(found.outputs["examples"][0]["properties"])


def node(project: Project, name: str, run: str, *more: str) -> Result:
    """Runs a node of the newest bundle, as a scheduler would."""
    bundle = max((project.root / "bundles").iterdir(), key=os.path.getmtime)
    return project.beltline(
        *("--bundle", bundle, "--node", name, "--run", run, *more),
        cwd=project.folder,
        env={"BELTLINE_ROOT": str(project.root), "BELTLINE_DATA": str(project.folder)},
        program="beltline.runners.node.run",
    )


def last_line(result: Result) -> dict[str, object]:
    return dict(json.loads(result.out.splitlines()[-1]))


def test_each_day_has_its_rows(project: Project) -> None:
    # A later test runs the last day once more.
    runs = lineage(project).runs()[: len(ROWS)]
    for run, (number, rows) in zip(runs, enumerate(ROWS.values()), strict=True):
        found = examples(project, run)
        assert sum(int(str(found[f"rows_{s}"])) for s in ("train", "validation", "eval")) == rows
        assert found["span"] == 20779 + number


def test_the_latest_day_is_the_newest_and_already_known(project: Project) -> None:
    result = project("run", *TO_THE_DATA)
    assert states(result) == {"ExampleGen": "cached"}, result.text
    assert examples(project, lineage(project).runs()[-1])["span"] == 20780


def test_a_day_without_data_is_a_wrong_command_here(project: Project) -> None:
    before = lineage(project).runs()
    result = project("run", *TO_THE_DATA, "--set", "data.span=2026-11-24")
    assert result.code == 2, result.text
    assert "no data for span 2026-11-24" in result.err
    assert "there are: 2026-11-22, 2026-11-23" in result.err
    assert lineage(project).runs() == before


def test_a_day_without_data_is_skipped_by_the_node_runner_until_they_come(
    project: Project,
) -> None:
    day = ("--param", "span=2026-11-24")
    for name in ("ExampleGen", "StatisticsGen", "Trainer"):
        skipped = node(project, name, "early", *day)
        assert (skipped.code, last_line(skipped)["state"]) == (99, "skipped"), skipped.text
        assert "no data for span 2026-11-24" in str(last_line(skipped)["reason"])
    [execution] = lineage(project).nodes("early")
    assert (execution.node, execution.state) == ("ExampleGen", "canceled")
    [run] = [each for each in json.loads(project("runs", "--json").out) if each["run"] == "early"]
    assert run["state"] == "skipped"
    shown = json.loads(project("runs", "early", "--json").out)["nodes"]
    assert {each["node"]: each["state"] for each in shown}["ExampleGen"] == "skipped"
    file = project.folder / "in" / "2026-11-24.csv"
    pyarrow.csv.write_csv(generate(1500, 9), file)
    for name in ("ExampleGen", "StatisticsGen"):
        done = node(project, name, "early", *day)
        assert (done.code, last_line(done)["state"]) == (0, "done"), done.text
    file.unlink()


def test_a_span_that_no_path_can_mean_fails(project: Project, tmp_path: Path) -> None:
    result = node(project, "ExampleGen", "impossible", "--param", "span=2026-02-30")
    assert (result.code, last_line(result)["state"]) == (1, "failed")
    assert "data.span '2026-02-30'" in str(last_line(result)["reason"])


def test_the_steps_of_one_run(project: Project) -> None:
    for name in ("ExampleGen", "StatisticsGen", "Schema", "ExampleValidator", "DataGate"):
        assert node(project, name, "short").code == 0
    assert node(project, "Transform", "short").code == 0
    trained = node(project, "Trainer", "short", "--param", "steps=3")
    assert (trained.code, last_line(trained)["state"]) == (0, "done"), trained.text
    assert "best of 1 epochs" in trained.err
