"""One project through its life: first run, nothing changed, changes of every kind."""

import csv
import itertools
import json
import os
import shutil
from dataclasses import asdict
from datetime import datetime, timedelta
from pathlib import Path

import nbformat
import pandas as pd
import pyarrow.csv
import pytest
import tfx  # noqa: F401  # puts a stand-in for what tensorflow_data_validation misses in tfx_bsl
import yaml
from nbclient import NotebookClient
from tensorflow_data_validation import load_stats_binary

import beltline
from beltline.base.errors import WrongInput
from beltline.runners.cli.commands.notebook import copy_notebooks
from beltline.runners.ui.model_server import ModelServer, ask
from beltline.runners.ui.question import fields_of, row_of
from beltline.versions.folder import CHECK_ROWS, versions
from tests.end_to_end.outputs import artifact, tfma_metrics
from tests.end_to_end.projects import ANY_MODEL, NODES, Project, states
from tests.serving import running

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def project(casting_project: Project) -> Project:
    return casting_project


def unchanged(project: Project) -> bool:
    result = project("run", *ANY_MODEL)
    assert result.code == 0, result.text
    return "no changes since run" in result.out and not states(result)


def test_the_first_version_says_where_it_comes_from(project: Project) -> None:
    folder = project.root / "served/casting/1"
    card = json.loads((folder / "assets.extra/version.json").read_text())
    assert (folder / "saved_model.pb").exists()
    assert (card["version"], card["first"], card["champion_metrics"]) == (1, True, None)
    # The gate has seen to the lower bound; without an error the label would be among the features.
    assert card["metrics"]["auc"] < 1
    assert len(card["digests"]["data"]) == 64
    recorded = json.loads((folder / "assets.extra/check_rows.json").read_text())
    assert len(recorded["answers"]["probability"]) == len(recorded["rows"]["mold"]) == 32


def test_the_python_api_has_the_numbers_of_tfdv_and_tfma(project: Project) -> None:
    run = beltline.open(project.root).runs[0]
    folder = artifact(project.root, "StatisticsGen", "statistics", first=True)
    for split, found in run.statistics.splits.items():
        theirs = load_stats_binary(str(folder / f"Split-{split}/FeatureStats.pb"))
        assert found.proto == theirs
        frame = found.frame
        for feature in theirs.datasets[0].features:
            told = frame.loc[feature.path.step[0]]
            if feature.HasField("num_stats"):
                numbers = feature.num_stats
                assert (told["mean"], told["median"]) == (numbers.mean, numbers.median)
                assert told["missing"] == numbers.common_stats.num_missing
            else:
                assert told["unique"] == feature.string_stats.unique
    evaluation = artifact(project.root, "Evaluator", "evaluation", first=True)
    assert run.metrics == tfma_metrics(evaluation)
    explained = json.loads((evaluation / "explanation.json").read_text())
    found = run.evaluation
    assert {
        name: list(found.frame.loc[name, ["low", "high"]])
        for name in explained["intervals"]["candidate"]
    } == explained["intervals"]["candidate"]
    worst = {each["slice"]: (each["rows"], each["value"]) for each in explained["slices"]["worst"]}
    assert {name: (r.rows, r.value) for name, r in found.slices.iterrows()} == worst
    losses = {each["column"]: each["loss"] for each in explained["importance"]["columns"]}
    assert dict(found.importance["loss"]) == losses
    version = run.version
    assert version is not None
    assert version.metrics == run.metrics
    lineage = json.loads(project("lineage", "1", "--json").out)
    assert {**asdict(version.lineage), "live": True} == lineage


def test_the_python_api_answers_as_the_version_was_checked(project: Project) -> None:
    version = beltline.open(project.root).versions.live
    assert version is not None
    recorded = json.loads((version.path / "assets.extra/check_rows.json").read_text())
    rows = pd.DataFrame(recorded["rows"])
    answers = version.predict(rows)
    # Of a small one, float32 has fewer digits left.
    expected = pytest.approx(recorded["answers"]["probability"], rel=1e-4)
    assert answers["probability"].to_numpy() == expected
    assert list(answers["class"]) == recorded["answers"]["class"]
    # Texts for numbers, a column more, and another order of columns: as from a CSV file.
    row = {"other": "x", **{name: str(value) for name, value in rows.iloc[0].items()}}
    [again] = version.predict(dict(reversed(row.items())))["probability"]
    assert again == pytest.approx(answers["probability"][0], rel=1e-4)
    effects = version.explain(row)
    assert set(effects.index) == set(version.columns)
    typical = {**row, "mold": effects.loc["mold", "usual"]}
    [usual] = version.predict(typical)["probability"]
    assert effects.loc["mold", "answer"] == pytest.approx(usual, rel=1e-4)
    assert effects.loc["mold", "effect"] == pytest.approx(again - usual, abs=1e-6)
    assert effects["effect"].abs().is_monotonic_decreasing
    with pytest.raises(WrongInput, match="rows: no column 'alloy'"):
        version.predict({"die_temperature": 232.0})
    with pytest.raises(WrongInput, match=r"die_temperature.*hot"):
        version.predict({**row, "die_temperature": "hot"})
    with pytest.raises(WrongInput, match="one is explained at a time, not 2"):
        version.explain(rows[:2])


def test_the_notebooks_run(project: Project, tmp_path: Path) -> None:
    """From top to bottom, one after another, in a copy of the project with its first run."""
    folder = tmp_path / "Gießerei"
    shutil.copytree(project.folder, folder)
    settings = yaml.safe_load((folder / "pipeline.yaml").read_text())
    settings |= {"model": {"learners": ["network"]}, "training": {"epochs": 2, "folds": 1}}
    settings["evaluation"] |= {"thresholds": {"auc": {"lower": 0.3}}, "champion": {"margin": -1}}
    (folder / "pipeline.yaml").write_text(yaml.safe_dump(settings))
    notebooks = folder / "notebooks"
    here = {"metadata": {"path": str(notebooks)}}
    shown = {}
    for name in copy_notebooks(notebooks):
        book = nbformat.read(notebooks / name, as_version=4)
        NotebookClient(book, timeout=300, resources=here).execute()
        shown[name[0]] = [
            output.get("text") or "".join(output.data.values())
            for cell in book.cells
            for output in cell.get("outputs", [])
        ]
    data, nodes, compared = ("".join(shown[number]) for number in "123")
    assert "DataGate          refused" in data and "The data differ from the schema in" in data
    assert "No anomalies: the data are as the schema says." in data
    assert "Loss of" in nodes and "quantile" in nodes and "zscore" in nodes
    assert 'class="beltline"' in nodes and "ROC curve" in nodes
    assert "no changes" not in compared and "'predictions': [" in compared
    assert not list(folder.glob("schema/tried*"))


def test_rows_of_the_table_are_answered_as_they_are(project: Project, tmp_path: Path) -> None:
    file = project.folder / "casting.csv"
    with file.open(newline="") as lines:
        # All of them texts, and among them the label, the id and the timestamp.
        texts = list(itertools.islice(csv.DictReader(lines), 100))
    typed = json.loads(json.dumps(pyarrow.csv.read_csv(file)[:100].to_pylist(), default=str))
    assert {"part_id", "cast_at", "scrap"} <= texts[0].keys()
    assert any(row["vibration"] == "" for row in texts)
    with running.server(project.root / "served/casting", tmp_path / "log") as server:
        server.wait_until_ready()
        answers = [server.ask({"instances": rows}).json()["predictions"] for rows in (texts, typed)]
        assert answers[0] == answers[1]
        classes = server.ask({"examples": texts}, ":classify").json()["results"]
        for answer, [[_, _], [positive, score]] in zip(answers[0], classes, strict=True):
            assert (positive, score) == ("scrap", pytest.approx(answer["probability"], rel=1e-5))
        tensors = [
            {"name": name, "shape": [100, 1], "datatype": "BYTES", "data": [r[name] for r in texts]}
            for name in texts[0]
        ]
        outputs = {
            each["name"]: each for each in server.infer({"inputs": tensors}).json()["outputs"]
        }
        assert outputs["probability"]["data"] == [each["probability"] for each in answers[0]]
        misspelt = server.ask({"instances": [texts[0] | {"part_di": "7"}]})
        assert "did you mean 'part_id'?" in misspelt.json()["error"]
        # The form of the pages is filled in with the first row of the serving check.
        fields = fields_of(versions(project.root / "served/casting")[0])
        assert {field.kind for field in fields} == {"text", "number", "integer"}
        assert next(field.choices for field in fields if field.column == "alloy")
        said = ask(ModelServer(server.address), running.NAME, row_of(fields))
        recorded = json.loads((project.root / "served/casting/1" / CHECK_ROWS).read_text())
        expected = recorded["answers"]["probability"][0]
        assert float(said.values["probability"]) == pytest.approx(expected, rel=1e-4)
        assert said.version == "1"


@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="one core: one node at a time")
def test_nodes_that_do_not_wait_for_each_other_run_at_once(project: Project) -> None:
    found = json.loads(project("runs", "latest", "--json").out)
    times = {each["node"]: (each["started"], each["seconds"]) for each in found["nodes"]}
    # On a busy machine a small node may hold the second place for as long as a large one takes.
    pairs = [("StatisticsGen", "Transform"), ("Evaluator", "ServingCheck")]
    assert any(overlap(times[one], times[other]) for one, other in pairs)
    assert not overlap(times["ExampleGen"], times["Trainer"])


def overlap(one: tuple[str, float], other: tuple[str, float]) -> bool:
    """Whether two nodes ran at the same time: each by its start and its seconds."""
    spans = [
        (begun := datetime.fromisoformat(each[0]), begun + timedelta(seconds=each[1]))
        for each in (one, other)
    ]
    return spans[0][0] < spans[1][1] and spans[1][0] < spans[0][1]


def test_nothing_changed_is_said_at_once(project: Project) -> None:
    assert unchanged(project)
    (project.folder / "README.md").write_text("notes")
    table = project.folder / "casting.csv"
    copy = shutil.copyfile(table, project.folder / "copy.csv")
    os.utime(copy, (1, 1))
    copy.replace(table)
    assert unchanged(project)


@pytest.mark.long
def test_another_root_reruns_nothing_but_the_push(project: Project, tmp_path: Path) -> None:
    env = {
        "BELTLINE_ROOT": str(tmp_path / "root"),
        "BELTLINE_METADATA": f"sqlite:///{project.root}/metadata.sqlite",
    }
    result = project.beltline("run", *ANY_MODEL, cwd=project.folder, env=env)
    assert result.code == 0, result.text
    found = states(result)
    # A champion exists by now, and what is served there is another folder.
    expected = dict.fromkeys(NODES, "cached") | {"Champion": "done"}
    rerun = {"Evaluator", "Pusher"}
    assert {k: v for k, v in found.items() if k not in rerun} == {
        k: v for k, v in expected.items() if k not in rerun
    }
    assert (tmp_path / "root/served/casting/1/saved_model.pb").exists()


def test_a_version_waits_until_it_is_approved(project: Project, tmp_path: Path) -> None:
    env = {
        "BELTLINE_ROOT": str(tmp_path / "root"),
        "BELTLINE_METADATA": f"sqlite:///{project.root}/metadata.sqlite",
    }
    there = Project(project.beltline, project.folder, env)
    held = ("run", *ANY_MODEL, "--set", "push.approval=required")
    result = there(*held)
    assert result.code == 0, result.text
    assert states(result)["Pusher"] == "skipped" and "`beltline approve 1`" in result.out
    [run] = [each for each in json.loads(there("runs", "--json").out) if each["run"] in result.out]
    assert run["version"] == ""
    again = there(*held)
    assert "version 1 waits for approval" in again.out and not states(again)
    [waiting] = json.loads(there("models", "--json").out)
    assert (waiting["waiting"], waiting["live"]) == (True, False)
    # It can be asked before somebody decides.
    version = beltline.open(tmp_path / "root").versions.waiting
    assert (
        version and len(version.predict(pd.read_csv(project.folder / "casting.csv", nrows=3))) == 3
    )
    approved = there("approve", "1", "--by", "ann")
    assert approved.code == 0 and not approved.err, approved.text
    [live] = json.loads(there("models", "--json").out)
    assert (live["waiting"], live["live"], live["decision"]["by"]) == (False, True, "ann")
    node = json.loads(there("runs", run["run"], "--json").out)
    assert (node["version"], node["nodes"][-1]["state"]) == ("1", "done")
    assert "version 1 is up to date" in there(*held).out


def test_a_hyperparameter_reruns_the_trainer_and_what_follows(project: Project) -> None:
    result = project("run", *ANY_MODEL, "--set", "training.learning_rate=0.001")
    assert result.code == 0, result.text
    found = states(result)
    before = NODES[: NODES.index("Trainer")]
    assert {found[node] for node in before} == {"cached"}, result.text
    assert {found[node] for node in ("Trainer", "Evaluator", "ServingCheck", "Pusher")} == {"done"}
    assert "champion" in result.out
    assert project.versions() == ["1", "2"]
    assert "served:" in result.out and result.out.rstrip().endswith("casting/2")
    assert json.loads(project("runs", "--json").out)[-1]["version"] == "2"


def test_part_of_the_pipeline(project: Project) -> None:
    part = project("run", *ANY_MODEL, "--from", "Trainer", "--to", "ServingCheck")
    assert part.code == 0, part.text
    assert sorted(states(part)) == ["ServingCheck", "Trainer"]
    head = project("run", *ANY_MODEL, "--to", "DataGate", "--force", "Schema")
    assert head.code == 0, head.text
    assert states(head)["Schema"] == "done" and "Trainer" not in states(head)
    wrong = project("run", "--from", "Trainr")
    assert wrong.code == 2 and "did you mean Trainer" in wrong.err


@pytest.mark.long
def test_the_users_own_model_code(project: Project) -> None:
    """A changed function of the user's reruns what depends on it, from the bundle's own copy."""
    module = project.folder / "own_model.py"
    module.write_text(
        "from beltline.models.preprocessing import preprocessing_fn as ours\n\n"
        "def preprocessing_fn(inputs, custom_config):\n"
        "    return ours(inputs, custom_config)\n"
    )
    own = ("--set", "model.preprocessing_fn=own_model.preprocessing_fn")
    result = project("run", *ANY_MODEL, *own)
    assert result.code == 0, result.text
    found = states(result)
    assert (found["DataGate"], found["Transform"], found["Trainer"]) == ("cached", "done", "done")
    module.write_text(module.read_text().replace("return ours", "print('mine')\n    return ours"))
    again = project("run", *ANY_MODEL, *own, "--to", "Transform")
    assert states(again)["Transform"] == "done", again.text


@pytest.mark.long
def test_other_columns_start_a_line_of_champions(project: Project) -> None:
    """A model that reads a column which is gone can't be compared: the run says so and goes on."""
    fewer = ("--set", "features.exclude=[part_id, cast_at, vibration]")
    result = project("run", *ANY_MODEL, *fewer)
    assert result.code == 0, result.text
    assert "none to beat" in result.out and states(result)["Pusher"] == "done"


def test_looking_at_runs(project: Project) -> None:
    runs = json.loads(project("runs", "--json").out)
    assert runs
    first = runs[0]["run"]
    nodes = json.loads(project("runs", first, "--json").out)
    assert "Trainer" in json.dumps(nodes)
    log = project("logs", first, "Trainer")
    assert log.code == 0 and "rows to learn from" in log.out
    models = json.loads(project("models", "--json").out)
    assert [model["live"] for model in models].count(True) == 1
    assert models[0]["run"] == first
    check = project("check", "local")
    assert check.code == 0, check.text


def test_one_at_a_time_where_the_settings_say_so(project: Project) -> None:
    alone = ("--set", "local.max_active_nodes=1")
    result = project("run", *ANY_MODEL, *alone, "--force", "--to", "Transform")
    assert result.code == 0, result.text
    # In the order of the manifest, which is that of the lines.
    assert list(states(result)) == [node for node in NODES[:6] if node in states(result)]
