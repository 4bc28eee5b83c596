"""Which parts of a time `beltline init` keeps: those that still tell the label in later rows."""

import datetime as dt
import math
import random

import pytest
import yaml

from beltline.base.errors import WrongInput
from beltline.pipeline.init.draft import settings_text
from beltline.pipeline.init.inference import infer_project
from beltline.pipeline.init.schema import schema_text
from beltline.pipeline.init.summary import summary_lines

START = dt.datetime(2024, 1, 1)  # a Monday


def written(folder, label_of, days=60, rows=4000, form=str, seed=3):
    """A table of times that rise, and labels that follow them; its files."""
    chance = random.Random(seed)  # noqa: S311 - it keeps no secret
    lines = ["at,temp,y"]
    for row in range(rows):
        at = START + dt.timedelta(days=row / rows * days)
        label = label_of(at, chance)
        lines.append(f"{form(at)},{chance.random():.6f},{label}")
    (folder / "a.csv").write_text("\n".join(lines) + "\n")
    return [folder / "a.csv"]


def scrap(odds):
    """A label of two classes that is `bad` with the probability that `odds` gives."""
    return lambda at, chance: "bad" if chance.random() < odds(at) else "ok"


def days_of(at):
    return (at - START).total_seconds() / 86_400


AT_NIGHT = scrap(lambda at: 0.4 if at.hour < 6 else 0.1)


@pytest.mark.parametrize(
    ("label_of", "days", "parts"),
    [
        pytest.param(AT_NIGHT, 60, ["hour"], id="nights"),
        pytest.param(scrap(lambda at: 0.1 + 0.4 * (at.weekday() > 4)), 60, ["weekday"], id="days"),
        pytest.param(scrap(lambda at: 0.1 + 0.4 * (at.month < 4)), 1100, ["month"], id="winters"),
        pytest.param(
            lambda at, chance: chance.gauss(10 + 4 * (at.hour < 6) + 4 * (at.weekday() > 4), 3),
            60,
            ["hour", "weekday"],
            id="a number",
        ),
        pytest.param(
            lambda at, chance: chance.choice("ab" if at.hour < 12 else "bc"),
            60,
            ["hour"],
            id="three classes",
        ),
    ],
)
def test_a_part_that_tells_the_label_is_an_input(tmp_path, label_of, days, parts):
    found = infer_project(written(tmp_path, label_of, days), "y")
    assert found.timestamps == {"at": parts}
    assert "at" not in found.excluded
    assert [column.name for column in found.features] == ["temp", "at"]


@pytest.mark.parametrize(
    ("label_of", "days", "why"),
    [
        pytest.param(scrap(lambda at: 0.2), 1100, "hour and weekday and month do not help", id="0"),
        pytest.param(
            scrap(lambda at: 0.1 + days_of(at) / 150),
            60,
            "hour and weekday do not help; too short for month",
            id="a drift",
        ),
        pytest.param(
            scrap(lambda at: 0.3 + 0.25 * math.sin(days_of(at) / 7)),
            60,
            "hour and weekday do not help; too short for month",
            id="waves of 44 days",
        ),
        pytest.param(
            scrap(lambda at: 0.8 if at < START + dt.timedelta(days=30) and at.hour < 6 else 0.2),
            60,
            "hour and weekday do not help; too short for month",
            id="nights that are over",
        ),
        pytest.param(AT_NIGHT, 10, "hour does", id="ten days"),
        pytest.param(AT_NIGHT, 1, "too short for hour and weekday and month", id="one day"),
    ],
)
def test_a_part_that_tells_nothing_of_later_rows_is_left_out(tmp_path, label_of, days, why):
    if why == "hour does":
        found = infer_project(written(tmp_path, label_of, days), "y")
        assert found.timestamps == {"at": ["hour"]}
        return
    found = infer_project(written(tmp_path, label_of, days), "y")
    assert found.timestamps == {}
    assert found.excluded["at"] == f"timestamp: '2024-01-01 00:00:00' …; {why}"


def test_days_without_a_time_have_no_hour(tmp_path):
    files = written(
        tmp_path, scrap(lambda at: 0.1 + 0.4 * (at.weekday() > 4)), form=dt.datetime.date
    )
    assert infer_project(files, "y").timestamps == {"at": ["weekday"]}


def test_another_form_of_a_date_is_left_out_as_before(tmp_path):
    files = written(tmp_path, AT_NIGHT, form=lambda at: at.strftime("%d.%m.%Y %H:%M"))
    found = infer_project(files, "y")
    assert found.excluded == {
        "at": "timestamp: '01.01.2024 00:00' …; not as in ISO 8601 (2026-01-31 06:00), so no use "
        "is made of it"
    }
    assert not any("data.split_by.time" in note for note in found.notes)


def test_a_time_that_only_one_class_has_is_leakage(tmp_path):
    def form(at):
        return "" if at.hour >= 6 else str(at)

    found = infer_project(written(tmp_path, scrap(lambda at: at.hour < 6), form=form), "y")
    assert found.timestamps == {}
    assert found.excluded["at"].startswith("leakage: it tells the label; it has a value where")


def test_a_time_that_helps_may_be_the_only_input(tmp_path):
    files = written(tmp_path, AT_NIGHT)
    text = files[0].read_text().splitlines()
    files[0].write_text("\n".join(f"{line.split(',')[0]},{line.split(',')[2]}" for line in text))
    assert infer_project(files, "y").timestamps == {"at": ["hour"]}
    written(tmp_path, scrap(lambda at: 0.2))
    text = files[0].read_text().splitlines()
    files[0].write_text("\n".join(f"{line.split(',')[0]},{line.split(',')[2]}" for line in text))
    with pytest.raises(WrongInput, match="no input column is left besides the label 'y'"):
        infer_project(files, "y")


def test_what_is_written_of_it(tmp_path):
    found = infer_project(written(tmp_path, AT_NIGHT, form=dt.datetime.isoformat), "y")
    text = settings_text(found, "a", tmp_path / "a.csv", tmp_path)
    assert yaml.safe_load(text)["features"] == {"timestamps": {"at": ["hour"]}}
    assert "  1 as a timestamp: at (hour)" in summary_lines(found)
    # Tomorrow's times are others.
    [line] = [line for line in schema_text(found).splitlines() if '"at"' in line]
    assert "type: BYTES" in line
    assert "domain" not in line
    assert found.slices == ()


def test_times_of_a_few_days_are_no_categories(tmp_path):
    files = written(tmp_path, scrap(lambda at: 0.6 * (at.weekday() > 4)), 30, form=dt.datetime.date)
    found = infer_project(files, "y")
    assert found.timestamps == {"at": ["weekday"]}
    assert 'string_domain { name: "at"' not in schema_text(found)
