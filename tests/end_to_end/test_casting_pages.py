"""What a run's report, its card and the pages say: the numbers of TFDV's and TFMA's artifacts."""

import json
from pathlib import Path

import numpy as np
import pytest
import tfx  # noqa: F401  # puts a stand-in for what tensorflow_data_validation misses in tfx_bsl
from tensorflow_data_validation import load_stats_binary

from beltline.runners.paths import Paths
from beltline.runners.ui.known import Known
from tests.end_to_end.outputs import artifact, tfma_metrics
from tests.end_to_end.projects import NODES, Project

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def project(casting_project: Project) -> Project:
    return casting_project


def test_a_page_about_a_run(project: Project) -> None:
    runs = json.loads(project("runs", "--json").out)
    first = runs[0]["run"]
    found = json.loads(project("report", first, "--json").out)
    # A slice of so few rows judges nothing.
    assert found["missing"].keys() <= {"slices"}
    assert (found["run"]["run"], found["run"]["state"]) == (first, "done")
    assert {node["node"] for node in found["nodes"]} == set(NODES)
    assert sum(found["data"]["rows"].values()) == 3000
    judged = found["evaluation"]
    card = json.loads((project.root / "served/casting/1/assets.extra/version.json").read_text())
    assert {each["metric"]: each["value"] for each in judged["metrics"]} == card["metrics"]
    [auc] = [each for each in judged["metrics"] if each["metric"] == "auc"]
    assert (auc["bounds"], auc["missed"]) == (["at least 0.3"], False)
    # All features and no other column: neither the label nor what is left out.
    columns = {each["column"]: each["loss"] for each in judged["importance"]["columns"]}
    assert set(columns) == set(card["problem"]["columns"])
    assert judged["metric"] == "auc"
    assert found["version"]["version"] == 1
    made = {each["column"]: each["category"] for each in found["transform"]["columns"]}
    assert set(made) == set(columns)
    assert (made["mold"]["listed"], made["mold"]["unknown"]) == (True, 0.0)
    assert (made["humidity"]["listed"], made["humidity"]["values"] > 20) == (False, True)
    depends = found["dependence"]
    assert [each["column"] for each in depends["columns"]] == list(columns)[:6]
    answers = [
        answer for each in depends["columns"] for p in each["points"] for answer in p["answers"]
    ]
    assert all(0 <= answer <= 1 for answer in answers)
    # Each run has written its own.
    assert first in (project.root / "reports" / f"{first}.html").read_text()
    written = project("report")
    page = Path(written.out.strip())
    assert page == project.root / "reports" / f"{runs[-1]['run']}.html"
    assert runs[-1]["run"] in page.read_text()


def test_the_model_card_travels_with_the_version(project: Project) -> None:
    first = json.loads(project("runs", "--json").out)[0]["run"]
    told = json.loads(project("report", first, "--card").out)
    version = [told["model_details"].pop(name) for name in ("version", "pushed_at")]
    assert version[0] == 1
    folder = project.root / "served/casting/1/assets.extra"
    assert json.loads((folder / "model_card.json").read_text()) == told


def test_the_columns_of_a_page_are_those_of_tfdv(project: Project) -> None:
    first = json.loads(project("runs", "--json").out)[0]["run"]
    found = json.loads(project("report", first, "--json").out)["columns"]["columns"]
    columns = {each["column"]: each["of"] for each in found}
    for split in ("train", "eval"):
        file = (
            artifact(project.root, "StatisticsGen", "statistics", first=True)
            / f"Split-{split}/FeatureStats.pb"
        )
        features = load_stats_binary(str(file)).datasets[0].features
        assert {feature.path.step[0] for feature in features} == set(columns)
        for feature in features:
            told = columns[feature.path.step[0]][split]
            stats = feature.num_stats if feature.HasField("num_stats") else feature.string_stats
            assert told["missing"] == stats.common_stats.num_missing
            if feature.HasField("num_stats"):
                assert (told["mean"], told["deviation"]) == (stats.mean, stats.std_dev)
                assert (told["least"], told["greatest"]) == (stats.min, stats.max)
            else:
                top = [[value.value, value.frequency] for value in stats.top_values]
                assert (told["unique"], told["top"]) == (stats.unique, top[:8])


def test_the_metrics_of_a_page_are_those_of_tfma(project: Project) -> None:
    first = json.loads(project("runs", "--json").out)[0]["run"]
    found = json.loads(project("report", first, "--json").out)
    values = tfma_metrics(artifact(project.root, "Evaluator", "evaluation", first=True))
    told = {each["metric"]: each for each in found["evaluation"]["metrics"]}
    assert {name: each["value"] for name, each in told.items()} == values
    card = json.loads(project("report", first, "--card").out)["quantitative_analyses"]["overall"]
    assert {name: each["value"] for name, each in card.items()} == values
    paths = Paths.from_environment(project.root)
    [facts] = Known(paths, "casting", paths.served("served", "casting")).facts([first])
    assert facts.metrics == values
    # The curves are of the same rows and decisions as the metrics.
    curves = found["curves"]["candidate"]
    hits, alarms, misses, rest = curves["decisions"]
    assert hits + alarms + misses + rest == values["rows"]
    assert (hits + rest) / values["rows"] == pytest.approx(values["accuracy"])
    across, up = zip(*curves["roc"], strict=True)
    assert np.trapezoid(up, across) == pytest.approx(values["auc"], abs=2e-3)
    low, high = told["auc"]["interval"]
    assert low < values["auc"] < high
