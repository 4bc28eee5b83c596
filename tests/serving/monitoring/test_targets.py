"""The casting line's later batch raises the alarm, more of the same does not: 20 seeds each."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from beltline.base.settings.monitoring import Monitoring
from beltline.data.casting import generate
from beltline.serving.monitoring import MonitoringConfig, monitor
from tests.serving.monitoring.made import NOW, sample, version

pytestmark = pytest.mark.slow

SIZES = (500, 2_000, 10_000)
SEEDS = range(1000, 1020)
LEFT_OUT = ["part_id", "cast_at"]


def answers(table):
    """A model that knows the hot die: what it says follows the readings."""
    heat = np.nan_to_num(np.array(table["die_temperature"].to_pylist(), float), nan=217)
    odds = (heat - 217) / 15 + np.array(table["spray_time"].to_pylist(), float) - 5.5
    probability = (1 / (1 + np.exp(-odds))).astype(np.float32)
    return {"probability": probability, "class": np.where(probability > 0.2, b"scrap", b"ok")}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("served") / "casting"
    trained = generate(14_000, 7).drop_columns(LEFT_OUT)
    others = answers(generate(2_000, 99))
    scores = {
        "probability": others["probability"].tolist(),
        "class": [label.decode() for label in others["class"]],
    }
    version(folder, 1, trained, scores, label="scrap", classes=["ok", "scrap"])
    return folder


def watched(folder, requests, table, before=None):
    asked = table.drop_columns([*LEFT_OUT, "scrap"])
    sample(requests, 1, asked, answers(table))
    if before is not None:
        sample(
            requests, 1, before.drop_columns([*LEFT_OUT, "scrap"]), answers(before), hours_ago=30
        )
    return monitor(MonitoringConfig(folder, requests), NOW)


@pytest.mark.parametrize("rows", SIZES)
@pytest.mark.parametrize("seed", SEEDS)
def test_unchanged_data_raise_no_alarm(folder, tmp_path, rows, seed):
    before = generate(rows, seed + 500)
    report = watched(folder, tmp_path, generate(rows, seed), before)
    assert report.alarms == []
    measures = [measure for column in report.columns for measure in column.measures]
    assert len(measures) == 4 * 17


@pytest.mark.parametrize("rows", SIZES)
@pytest.mark.parametrize("seed", SEEDS)
def test_the_later_batch_raises_it(folder, tmp_path, rows, seed):
    report = watched(folder, tmp_path, generate(rows, seed, later=True), generate(rows, seed + 500))
    named = {alarm.split(":")[0] for alarm in report.alarms}
    assert (
        {"die_temperature", "mold"} <= named <= {"die_temperature", "mold", "probability", "class"}
    )
    by_name = {column.name: column for column in report.columns}
    past = {name for name, m in by_name["die_temperature"].measures.items() if m.is_alarm}
    assert {"skew", "drift"} <= past
    assert by_name["mold"].measures["new"].is_alarm


@pytest.mark.parametrize("rows", SIZES)
@pytest.mark.parametrize("seed", SEEDS[:5])
def test_a_sensor_alone_is_named(folder, tmp_path, rows, seed):
    """The later batch without the new mold: the thermocouple reads 12 °C too high."""
    later = generate(2 * rows, seed, later=True)
    known = later.filter(pc.not_equal(later["mold"], "M09")).slice(0, rows)
    report = watched(folder, tmp_path, known)
    named = {alarm.split(":")[0] for alarm in report.alarms}
    assert "die_temperature" in named
    assert named <= {"die_temperature", "probability", "class"}


@pytest.mark.parametrize("rows", SIZES)
@pytest.mark.parametrize("seed", SEEDS[:5])
def test_a_sensor_that_fails_is_named(folder, tmp_path, rows, seed):
    table = generate(rows, seed)
    lost = np.random.default_rng(seed).random(rows) < 0.2
    humidity = pa.array(table["humidity"].to_pylist(), pa.int64(), mask=lost)
    where = table.column_names.index("humidity")
    report = watched(folder, tmp_path, table.set_column(where, "humidity", humidity))
    assert {alarm.split(":")[0] for alarm in report.alarms} == {"humidity"}


@pytest.mark.long
def test_sixty_columns_raise_no_false_alarm(tmp_path):
    """Twice twenty checks of 180 measures each, at limits that stop nothing but chance."""

    def table(seed, rows):
        random = np.random.default_rng(seed)
        numbers = {f"n{i}": random.normal(size=rows) for i in range(30)}
        counts = {f"i{i}": random.poisson(0.2 + i, rows) for i in range(15)}
        texts = {f"t{i}": random.choice(list("abcdefgh")[: 2 + i % 7], rows) for i in range(15)}
        return pa.table(numbers | counts | texts)

    version(tmp_path / "line", 1, table(1, 5000))
    for seed in range(2, 42):
        requests = tmp_path / f"requests-{seed}"
        sample(requests, 1, table(seed, 500 if seed % 2 else 3000))
        tiny = Monitoring(skew=1e-6, new_values=0.0, missing=0.0, score=1e-6)
        report = monitor(MonitoringConfig(tmp_path / "line", requests, tiny), NOW)
        assert report.alarms == []
        assert len(report.columns) == 60
