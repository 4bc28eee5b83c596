import json
import sys
from datetime import UTC, datetime

import numpy as np
import pyarrow.csv
import pytest
from click.testing import CliRunner

from beltline.base.errors import GateRefused, WrongInput
from beltline.data.casting import generate
from beltline.runners.cli.commands.monitor import monitor
from beltline.runners.cli.main import main
from beltline.runners.monitor.past import past_file, past_reports
from beltline.runners.paths import ROOT
from tests.docs.samples import shown, unlike
from tests.http_receiver import receiving
from tests.runners.projects import paths, project
from tests.serving.monitoring import made
from tests.serving.monitoring.test_check import answers, inputs, rows

CASTING = """\
name: casting
data: {path: casting.csv}
schema: casting.pbtxt
label: {column: scrap, task: binary, positive: scrap}
monitoring: {key: part_id, labels: labels.csv}
"""
KEYS = [f"p{row}" for row in range(600)]


def invoke(folder, *arguments):
    return CliRunner().invoke(monitor, ["-f", str(folder / "pipeline.yaml"), *arguments])


@pytest.fixture
def folder(tmp_path):
    """A project whose version 1 is live."""
    project(tmp_path)
    scores = {name: values.tolist() for name, values in answers(rows(2000, 8)).items()}
    scores["class"] = [label.decode() for label in scores["class"]]
    made.version(paths(tmp_path).root / "served" / "line", 1, rows(3000, 7), scores)
    return tmp_path


def ask(folder, table, monkeypatch):
    monkeypatch.setattr(made, "NOW", datetime.now(UTC))
    made.sample(paths(folder).root / "requests" / "line", 1, inputs(table), answers(table), KEYS)


def test_without_an_alarm(folder, monkeypatch):
    ask(folder, rows(600, 1), monkeypatch)
    result = invoke(folder)
    assert result.exit_code == 0, result.output
    title, head, first, *_, page = result.output.splitlines()
    assert title.startswith("line version 1 · ")
    assert title.endswith(" · 600 rows")
    assert head.split("  ")[0] == "column"
    assert first.startswith("probability")
    file = paths(folder).root / "monitoring" / "line.html"
    assert page == f"page: {file}"
    assert "No alarm" in file.read_text()


def test_what_a_terminal_would_obey_is_shown_escaped(folder, monkeypatch, capfd):
    """A caller chooses the text of a category."""
    ask(folder, rows(600, 1, molds=("A", "\x1b[2J", "\u202eB")), monkeypatch)
    monkeypatch.chdir(folder)
    monkeypatch.setenv(ROOT, str(paths(folder).root))
    monkeypatch.setattr(sys, "argv", ["beltline", "monitor"])
    with pytest.raises(SystemExit) as done:
        main()
    assert done.value.code == 3
    said = "".join(capfd.readouterr())
    assert "\\x1b[2J" in said
    assert not {"\x1b", "\u202e"} & set(said)


def test_past_a_limit(folder, monkeypatch):
    ask(folder, rows(600, 1, warmer=15), monkeypatch)
    result = invoke(folder, "-o", str(folder / "out" / "page.html"))
    assert isinstance(result.exception, GateRefused)
    assert result.exception.exit_code == 3
    assert "version 1: " in str(result.exception)
    assert "\n  heat (°C): is 0." in str(result.exception)
    assert "skew > 0.050" in result.output
    assert "heat (°C)" in (folder / "out" / "page.html").read_text()
    wide = [f"--set=monitoring.{limit}=1" for limit in ("skew", "score", "new_values")]
    assert invoke(folder, *wide).exit_code == 0
    kept = past_reports(past_file(paths(folder).root, "line"))
    assert len(kept) == 2 and kept[0].alarm_count > 0 == kept[1].alarm_count


def test_somebody_else_is_told_of_drift(folder, monkeypatch):
    ask(folder, rows(600, 1, warmer=15), monkeypatch)
    with receiving() as receiver:
        told = f"--set=tracking.webhook.url={receiver.url}"
        assert isinstance(invoke(folder, told).exception, GateRefused)
        wide = [f"--set=monitoring.{limit}=1" for limit in ("skew", "score", "new_values")]
        assert invoke(folder, told, *wide).exit_code == 0
        receiver.statuses = [404]
        failed = invoke(folder, told)
    assert isinstance(failed.exception, GateRefused)
    assert "tracking.webhook: drift of version 1 was not reported" in failed.output
    assert [body["event"] for body in receiver.bodies] == ["drift", "drift"]
    assert receiver.bodies[0]["rows"] == 600


@pytest.fixture
def casting(tmp_path, monkeypatch):
    """The casting line, asked for its own rows a day before, and for a later batch since."""
    (tmp_path / "pipeline.yaml").write_text(CASTING)
    root = paths(tmp_path).root
    own, later = (generate(2000, seed, later=seed == 8) for seed in (5, 8))
    chosen = {"label": "scrap", "classes": ["ok", "scrap"]}
    reference = {name: each.tolist() for name, each in answered(own, scrap=0.04).items()}
    reference["class"] = [label.decode() for label in reference["class"]]
    version = generate(20000, 3).drop_columns(["part_id", "cast_at"])
    made.version(root / "served" / "casting", 1, version, reference, **chosen)
    monkeypatch.setattr(made, "NOW", datetime.now(UTC))
    for table, hours in ((own, 30), (later, 1)):
        asked = table.drop_columns(["part_id", "cast_at", "scrap"])
        keys = table["part_id"].to_pylist()
        given = answered(table, scrap=0.15 if hours == 1 else 0.04)
        made.sample(root / "requests" / "casting", 1, asked, given, keys, hours_ago=hours)
    pyarrow.csv.write_csv(later.select(["part_id", "scrap"]), tmp_path / "labels.csv")
    return tmp_path


def answered(table, scrap):
    """Answers that call that share of the rows scrap, whatever is true."""
    chance = np.random.default_rng(1).random(table.num_rows)
    return {
        "probability": chance.astype(np.float32),
        "class": np.where(chance < scrap, b"scrap", b"ok"),
    }


def test_it_prints_what_is_shown(casting):
    result = invoke(casting)
    assert isinstance(result.exception, GateRefused), result.exception
    # As the command's entry point does.
    printed = f"{result.output}beltline: {result.exception}"
    assert unlike(shown("beltline monitor"), printed) == [], printed


def test_as_json(folder, monkeypatch):
    ask(folder, rows(600, 1, warmer=15), monkeypatch)
    result = invoke(folder, "--json")
    found = json.loads(result.stdout)
    assert (found["version"], found["rows"]) == (1, 600)
    assert found["alarms"] == [line.strip() for line in str(result.exception).splitlines()[1:]]


def test_labels_that_have_arrived(folder, monkeypatch):
    table = rows(600, 1)
    ask(folder, table, monkeypatch)
    labels = zip(KEYS, table["bad"].to_pylist(), strict=True)
    lines = "\n".join(f"{key},{label}" for key, label in labels)
    (folder / "labels.csv").write_text(f"part,bad\n{lines}\n")
    settings = (folder / "pipeline.yaml").read_text()
    settings += "monitoring: {key: part, labels: labels.csv, metrics: {auc: {lower: 0.999}}}\n"
    (folder / "pipeline.yaml").write_text(settings)
    result = invoke(folder)
    assert "auc 0.8" in result.output
    assert "(600 rows with a label)" in result.output
    assert str(result.exception).splitlines()[1].startswith("  auc: is 0.8")


def test_too_few_rows(folder, monkeypatch):
    ask(folder, rows(600, 1, warmer=15), monkeypatch)
    result = invoke(folder, "--set", "monitoring.min_rows=601")
    assert result.exit_code == 0
    assert "Too few rows to compare: 600 of version 1" in result.output


def test_what_is_not_there(folder, tmp_path):
    result = invoke(folder)
    assert isinstance(result.exception, WrongInput)
    assert "no samples of requests yet" in str(result.exception)
    result = invoke(folder, "--set", "name=other")
    assert "no version has been pushed yet" in str(result.exception)


def test_a_page_that_can_not_be_written(folder, monkeypatch):
    ask(folder, rows(600, 1), monkeypatch)
    result = invoke(folder, "-o", str(folder / "pipeline.yaml" / "page.html"))
    assert isinstance(result.exception, WrongInput)
    assert "page.html: not writable" in str(result.exception)
