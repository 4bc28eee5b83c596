import json
import shutil
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pyarrow as pa
import pytest

from beltline.base.errors import WrongInput
from beltline.base.settings.bounds import Bound
from beltline.base.settings.monitoring import Monitoring
from beltline.serving.monitoring import MonitoringConfig, monitor
from beltline.serving.monitoring.reference import SCORES, STATISTICS
from tests.serving.monitoring.made import NOW, sample, schema_of, version

COLUMNS = {"heat (°C)": "number", "shots": "integer", "Mold ü": "text", "note": "text"}


def rows(count, seed, warmer=0.0, lost=0.01, molds=("A", "B", "Ü")):
    """Parts of a line, the label among them."""
    random = np.random.default_rng(seed)
    heat = random.normal(200 + warmer, 10, count).round(1)
    shots = random.integers(0, 4, count)
    bad = random.random(count) < 1 / (1 + np.exp((220 - heat) / 5))
    return pa.table(
        {
            "heat (°C)": pa.array(heat, mask=random.random(count) < lost),
            "shots": shots,
            "Mold ü": random.choice(molds, count),
            "note": [f"note {number}" for number in random.integers(0, 10**6, count)],
            "bad": np.where(bad, "yes", "no"),
        }
    )


def answers(table):
    heat = np.nan_to_num(np.array(table["heat (°C)"].to_pylist(), float), nan=200)
    probability = (1 / (1 + np.exp((220 - heat) / 5))).astype(np.float32)
    return {"probability": probability, "class": np.where(probability > 0.5, b"yes", b"no")}


def inputs(table):
    return table.drop_columns(["bad"])


def config(root, **settings):
    """What is compared below a folder, with these settings."""
    return MonitoringConfig(root / "line", root / "requests", Monitoring(**settings), root)


@pytest.fixture(scope="module")
def two_versions(tmp_path_factory):
    """The folder of a line with two versions, each trained on 4,000 rows. Not to be changed."""
    folder = tmp_path_factory.mktemp("versions") / "line"
    others = {name: values.tolist() for name, values in answers(rows(2000, 8)).items()}
    others["class"] = [label.decode() for label in others["class"]]
    for number in (1, 2):
        version(folder, number, rows(4000, 7), others)
    return folder


@pytest.fixture
def watch(two_versions, tmp_path):
    """Version 2 is live, trained on 4,000 rows; version 1 was before."""
    watch = config(tmp_path)
    shutil.copytree(two_versions, watch.folder)
    return watch


def ask(watch, table, number=2, answered=None, **options):
    sample(watch.requests, number, inputs(table), answered or answers(table), **options)


def alarms(watch):
    return monitor(watch, NOW).alarms


def test_of_times_only_what_is_missing_is_compared(tmp_path):
    """Days after the training have other times: that is no drift, and none of them is new."""

    def days(first, count, lost=0):
        texts = [f"2026-11-{first + row % 5:02d}" for row in range(count)]
        return pa.table({"at": [None] * lost + texts[lost:], "bad": ["no"] * count})

    watched = config(tmp_path)
    version(watched.folder, 1, days(1, 2000), timestamps={"at": ["weekday"]})
    ask(watched, days(20, 1000), 1, {"probability": np.zeros(1000, np.float32)})
    ask(watched, days(10, 1000), 1, {"probability": np.zeros(1000, np.float32)}, hours_ago=30)
    report = monitor(watched, NOW)
    assert report.alarms == []
    assert set(report.columns[0].measures) == {"missing"}
    ask(watched, days(20, 1000, 500), 1, {"probability": np.zeros(1000, np.float32)})
    assert len(alarms(watched)) == 1


def test_requests_like_the_training_rows_raise_no_alarm(watch):
    ask(watch, rows(1500, 1))
    ask(watch, rows(1500, 2), hours_ago=30)
    report = monitor(watch, NOW)
    assert report.alarms == []
    assert (report.version, report.rows, report.rows_before) == (2, 1500, 1500)
    assert [column.name for column in report.columns] == list(COLUMNS)
    assert [column.name for column in report.scores] == ["probability", "class"]
    assert set(report.columns[0].measures) == {"skew", "drift", "new", "missing"}
    # So many notes are there that the statistics don't name them all: any may be new.
    assert set(report.columns[3].measures) == {"skew", "drift", "missing"}


def test_a_sensor_that_reads_too_high(watch):
    ask(watch, rows(1500, 1, warmer=8), answered=answers(rows(1500, 1)))
    [alarm] = alarms(watch)
    assert alarm.startswith("heat (°C): is 0.")
    assert alarm.endswith("away from the training rows (at most 0.050)")


def test_a_sensor_that_fails(watch):
    ask(watch, rows(1500, 1, lost=0.2))
    [alarm] = alarms(watch)
    assert alarm.startswith("heat (°C): 1")
    assert "more rows than in training have no value (at most 5.0%)" in alarm


def test_a_new_category(watch):
    ask(watch, rows(1500, 1, molds=("A", "B", "Ü", "Neu")))
    found = alarms(watch)
    assert [alarm.split(":")[0] for alarm in found] == ["Mold ü", "Mold ü"]
    assert "of the values are new: Neu (at most 1.0%)" in found[1]


def test_answers_that_change_alone(watch):
    calm, hot = rows(1500, 1), rows(1500, 1, warmer=15)
    ask(watch, calm, answered=answers(hot))
    found = alarms(watch)
    assert found[0].startswith("probability: is 0.")
    assert "the answers to the evaluation rows" in found[0]
    assert {alarm.split(":")[0] for alarm in found} == {"probability", "class"}


def test_drift_is_against_the_window_before_whichever_version_answered(watch):
    ask(watch, rows(1500, 1, warmer=8), number=1, hours_ago=30)
    ask(watch, rows(1500, 2))
    [alarm] = alarms(watch)
    assert alarm.startswith("heat (°C): is 0.")
    assert "away from the window before" in alarm


def test_only_the_live_versions_requests_are_compared(watch):
    ask(watch, rows(1500, 1, warmer=50), number=1)
    ask(watch, rows(600, 2))
    report = monitor(watch, NOW)
    assert (report.alarms, report.rows) == ([], 600)


def test_only_the_windows_requests_are_compared(watch):
    ask(watch, rows(600, 1, warmer=50), hours_ago=49)
    ask(watch, rows(600, 1, warmer=50), hours_ago=-1)
    ask(watch, rows(600, 2))
    report = monitor(watch, NOW)
    assert (report.alarms, report.rows, report.rows_before) == ([], 600, 0)
    assert report.notes == ["No drift: 0 rows in the 24 hours before."]


def test_too_few_rows_are_no_alarm(watch):
    ask(watch, rows(199, 1, warmer=50))
    report = monitor(watch, NOW)
    assert (report.alarms, report.columns, report.rows) == ([], [], 199)
    assert "Too few rows to compare: 199 of version 2 in 24 hours" in report.notes[-1]


def test_the_least_number_of_rows_is_enough(watch):
    ask(watch, rows(200, 1, warmer=50))
    ask(watch, rows(200, 2), hours_ago=30)
    report = monitor(watch, NOW)
    assert report.name == "line"
    assert report.notes == []
    assert {"skew", "drift"} <= set(report.columns[0].measures)
    assert {alarm.split(":")[0] for alarm in report.alarms} >= {"heat (°C)"}


def test_excluded_columns_raise_no_alarm(watch):
    table = rows(600, 1)
    sample(watch.requests, 2, inputs(table).drop_columns(["note"]), answers(table))
    report = monitor(watch, NOW)
    assert report.alarms == []
    assert "Not in the samples, so not compared: note." in report.notes


def test_a_column_without_any_value_raises_an_alarm(watch):
    ask(watch, rows(600, 1, lost=1.0), answered=answers(rows(600, 1)))
    assert any("heat (°C): 9" in alarm and "no value" in alarm for alarm in alarms(watch))


def test_limits_are_the_settings_then_the_schemas(watch):
    ask(watch, rows(1500, 1, warmer=8), answered=answers(rows(1500, 1)))
    assert alarms(replace(watch, settings=Monitoring(skew=0.3))) == []
    schema = schema_of(COLUMNS).splitlines()
    schema[0] = schema[0].removesuffix("}") + (
        "skew_comparator { jensen_shannon_divergence { threshold: 0.4 } } }"
    )
    (watch.folder / "2/assets.extra/schema.pbtxt").write_text("\n".join(schema))
    assert alarms(watch) == []


def test_anomalies_of_the_schema(watch):
    schema = schema_of(COLUMNS).splitlines()
    schema[0] = schema[0].removesuffix("}") + "float_domain { max: 240 } }"
    (watch.folder / "2/assets.extra/schema.pbtxt").write_text("\n".join(schema))
    table = rows(600, 1)
    heat = table["heat (°C)"].to_pylist()
    ask(watch, table.set_column(0, "heat (°C)", pa.array([*heat[:-1], 900.0])))
    [alarm] = alarms(watch)
    assert alarm.startswith("heat (°C): Out-of-range values")


@pytest.mark.parametrize(("lost", "count"), [(0.06, 300), (0.25, 300)])
def test_a_share_in_the_schema_is_compared_with_chance(watch, lost, count):
    """Of 300 rows, 6 % without a value are no proof that it is more than the 5 % allowed."""
    schema = schema_of(COLUMNS).splitlines()
    schema[0] = schema[0].removesuffix("}") + "presence { min_fraction: 0.95 } }"
    (watch.folder / "2/assets.extra/schema.pbtxt").write_text("\n".join(schema))
    table = rows(count, 1, lost=0)
    missing = np.arange(count) < round(lost * count)
    heat = pa.array(table["heat (°C)"].to_pylist(), mask=missing)
    ask(watch, table.set_column(0, "heat (°C)", heat), answered=answers(rows(count, 1)))
    found = alarms(replace(watch, settings=Monitoring(missing=0.5)))
    assert bool(found) == (lost > 0.2), found


def test_kinds_that_differ_between_versions(watch):
    """Version 1 took the mold for a number and the heat for a whole one."""
    old = rows(600, 3)
    old = old.set_column(2, "Mold ü", pa.array(np.arange(600.0)))
    kinds = COLUMNS | {"heat (°C)": "integer", "Mold ü": "number"}
    ask(watch, old, number=1, hours_ago=30, kinds=kinds)
    ask(watch, rows(600, 1))
    report = monitor(watch, NOW)
    assert report.rows_before == 600
    by_name = {column.name: column for column in report.columns}
    assert "drift" in by_name["heat (°C)"].measures
    assert "drift" not in by_name["Mold ü"].measures


def test_several_classes(tmp_path):
    watch = config(tmp_path, key="k", labels="l.csv")
    classes, random = ["a", "b", "c"], np.random.default_rng(1)
    trained = rows(3000, 1).append_column("kind", pa.array(random.choice(classes, 3000)))
    scores = {"class": random.choice(classes, 2000, p=[0.5, 0.3, 0.2]).tolist()}
    problem = {"label": "kind", "task": "multiclass", "classes": classes}
    version(watch.folder, 1, trained.drop_columns(["bad"]), scores, **problem)
    chosen = random.choice(classes, 900, p=[0.2, 0.3, 0.5])
    given = {
        "class": np.char.encode(chosen),
        "probabilities": np.eye(3, dtype=np.float32)[[classes.index(each) for each in chosen]],
    }
    keys = [f"p{row}" for row in range(900)]
    sample(watch.requests, 1, inputs(rows(900, 2)), given, keys)
    labels = "\n".join(f"{key},{each}" for key, each in zip(keys, chosen, strict=True))
    watch.labels.write_text(f"k,kind\n{labels}\n")
    report = monitor(watch, NOW)
    assert [alarm.split(":")[0] for alarm in report.alarms] == ["class"]
    assert {metric.name: metric.value for metric in report.metrics} == {
        "accuracy": 1,
        "macro_f1": 1,
        "auc": 1,
    }


def test_a_regression_with_labels_that_arrive_later(tmp_path):
    watch = config(tmp_path, key="k", labels="labels", metrics={"mae": Bound(upper=10)})
    trained = rows(3000, 1).drop_columns(["bad"]).append_column("y", pa.array(np.arange(3000.0)))
    version(watch.folder, 1, trained, {"prediction": [0.5] * 100}, label="y", task="regression")
    keys = [f"p{row}" for row in range(600)]
    given = {"prediction": np.arange(600, dtype=np.float32)}
    sample(watch.requests, 1, inputs(rows(600, 2)), given, keys, hours_ago=100)
    sample(watch.requests, 1, inputs(rows(600, 3)), {"prediction": np.full(600, 0.5)}, keys)
    watch.labels.mkdir()
    (watch.labels / "1.csv").write_text("k,y\n" + "".join(f"p{row},99\n" for row in range(600)))
    (watch.labels / "2.csv").write_text("k,y\n" + "".join(f"p{row},{row}\n" for row in range(600)))
    report = monitor(watch, NOW)
    # Both times each part was asked for have its label.
    assert report.labelled_rows == 1200
    values = {metric.name: metric.value for metric in report.metrics}
    assert values["mae"] == pytest.approx(np.mean(np.abs(np.arange(600) - 0.5)) / 2)
    assert report.alarms == ["mae: is 149.5 (at most 10)"]


def test_too_few_and_unknown_labels_are_reported(watch, tmp_path):
    (tmp_path / "l.csv").write_text("k,bad\np1,maybe\np2,no\n")
    watch = config(tmp_path, key="k", labels="l.csv", metrics={"auc": Bound(lower=0.9)})
    ask(watch, rows(600, 1), keys=[f"p{row}" for row in range(600)])
    report = monitor(watch, NOW)
    assert (report.alarms, report.metrics, report.labelled_rows) == ([], [], 1)
    assert "Unknown labels for version 2: 'maybe'." in report.notes
    assert any(
        note.startswith("Too few rows with a label: 1 in 168 hours") for note in report.notes
    )


def test_there_is_no_score_shift_without_recorded_answers(watch):
    (watch.folder / "2" / SCORES).unlink()
    ask(watch, rows(600, 1))
    report = monitor(watch, NOW)
    assert report.scores == []
    assert "No score shift: the version has no recorded answers." in report.notes


def test_damaged_files_are_named_and_the_others_read(watch):
    ask(watch, rows(600, 1))
    ask(watch, rows(600, 2))
    first, _ = sorted(watch.requests.rglob("*.gz"))
    packed = first.read_bytes()
    # One that merely ends early may end behind a row, and then looks whole.
    first.write_bytes(packed[:3000] + bytes(200) + packed[3200:])
    report = monitor(watch, NOW)
    assert report.rows >= 600
    assert any(first.name in note for note in report.notes)


def test_very_many_rows_are_sampled_at_random(watch, monkeypatch):
    monkeypatch.setattr("beltline.serving.monitoring.samples.MOST_ROWS", 1000)
    for part in range(4):
        ask(watch, rows(1500, part))
    report = monitor(watch, NOW)
    assert (report.rows, report.alarms) == (6000, [])


def test_missing_inputs_are_reported(watch, tmp_path):
    with pytest.raises(WrongInput, match="there are no samples of requests yet; `beltline serve`"):
        monitor(watch, NOW)
    ask(watch, rows(600, 1))
    with pytest.raises(WrongInput, match="no version has been pushed yet; `beltline run`"):
        monitor(replace(watch, folder=tmp_path / "none"), NOW)
    (watch.folder / "2" / STATISTICS).write_bytes(b"\xff")
    with pytest.raises(WrongInput, match=r"statistics\.pb: can't be read .* push a new version"):
        monitor(watch, NOW)
    (watch.folder / "2" / STATISTICS).unlink()
    with pytest.raises(WrongInput, match=r"statistics\.pb: can't be read \(No such file"):
        monitor(watch, NOW)


def test_the_report_as_json(watch):
    ask(watch, rows(600, 1, warmer=15))
    report = monitor(watch, NOW)
    found = json.loads(json.dumps(report.as_json(), allow_nan=False))
    assert found["alarms"] == report.alarms
    assert found["end"] == "2026-11-26T12:00:00+00:00"
    heat = found["columns"][0]
    assert heat["measures"]["skew"]["alarm"] is True
    assert heat["measures"]["skew"]["value"] > heat["measures"]["skew"]["limit"] == 0.05
    head, *lines = report.table()
    assert head == ["column", "from training", "from before", "new values", "more missing", ""]
    assert [line[0] for line in lines] == ["probability", "class", *COLUMNS]
    assert lines[2][5].startswith("skew > 0.050")


def test_the_end_of_the_window_can_be_given(watch):
    ask(watch, rows(600, 1, warmer=15))
    assert monitor(watch, NOW + timedelta(hours=25)).rows == 0
