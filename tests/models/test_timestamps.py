"""Times in the graph: what tables read of the same texts, from training to the exported model."""

from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from beltline.models.timestamps import TIME, instants, timestamp_numbers
from beltline.pipeline.tables import times
from tests.models.rows import config, fn_args, table, transform
from tests.models.trained import call

pytestmark = pytest.mark.slow

PARTS = ["hour", "weekday", "month", "age"]
ZONES = st.integers(-1439, 1439).map(lambda minutes: timezone(timedelta(minutes=minutes)))
DIGITS = st.integers(0, 99).map(lambda number: f"{number:02d}")
ALMOST = st.tuples(
    st.from_regex(r"\A\d{4}\Z").filter(str.isascii),
    st.sampled_from(["-", "/", ".", ""]),
    DIGITS,
    st.sampled_from(["-", "/", ".", "", " "]),
    st.just("") | DIGITS,
    st.just("") | st.sampled_from("T t_").flatmap(lambda t: DIGITS.map(lambda hour: t + hour)),
    st.just("") | DIGITS | DIGITS.map(lambda minute: f":{minute}"),
    st.just("") | DIGITS | DIGITS.map(lambda second: f":{second}.25"),
    st.sampled_from(
        ["", "Z", " Z", "z", "UTC", " UTC", "CET", "+01", "-0130", " +23:59", "+24:00"]
    ),
    st.sampled_from(["", " ", "\n", "."]),
).map("".join)
"""Texts of which many look like times, and some are."""
ISO = st.datetimes(timezones=ZONES | st.just(UTC) | st.none()).map(datetime.isoformat)


def read_by_table(texts: list[str]) -> np.ndarray:
    return times.times(pa.array(texts, pa.string()), numbers=False) / 1e6


def test_table_and_graph_read_by_one_pattern() -> None:
    assert TIME == times.TIME


@settings(max_examples=300, deadline=None)
@given(st.lists(ISO | ALMOST | st.text().filter(lambda text: "\0" not in text), max_size=50))
def test_the_graph_reads_what_a_table_reads(texts: list[str]) -> None:
    found = instants(tf.constant(texts, tf.string)).numpy()
    np.testing.assert_allclose(found, read_by_table(texts), rtol=0, atol=1e-4)


def column(texts: list[str]) -> tf.SparseTensor:
    return tf.sparse.from_dense(tf.constant(texts)[:, tf.newaxis])


@settings(max_examples=300, deadline=None)
@given(st.datetimes(timezones=ZONES | st.just(UTC)))
def test_the_parts_are_those_of_the_instant_in_utc(at: datetime) -> None:
    try:
        utc = at.astimezone(UTC)
    except OverflowError:  # beyond the years that Python has
        return
    hour, weekday, month, age = timestamp_numbers({"at": column([at.isoformat()])}, {"at": PARTS})[
        0
    ]
    of_day = utc - utc.replace(hour=0, minute=0, second=0, microsecond=0)
    assert abs(float(hour) - of_day / timedelta(hours=1)) < 1e-4
    assert (int(weekday), int(month)) == (utc.isoweekday(), utc.month)
    assert float(age) == pytest.approx(
        (utc - datetime(2000, 1, 1, tzinfo=UTC)) / timedelta(days=1), rel=1e-6, abs=1e-3
    )


def test_parts_of_several_columns_stand_in_their_order() -> None:
    inputs = {
        "b": column(["1970-01-01T06:30", "", "2026-02-30"]),
        "a": column(["1999-12", "x", "-"]),
    }
    found = timestamp_numbers(inputs, {"b": ["month", "hour"], "a": ["weekday", "month"]}).numpy()
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found[0], [1, 6.5, 3, 12])
    assert np.isnan(found[1:]).all()


NIGHTS: dict[str, Any] = {
    "columns": {"heat (°C)": "number", "at": "text"},
    "numeric": ["heat (°C)"],
    "categorical": [],
    "timestamps": {"at": ["hour"]},
}


def nights(rows: int, seed: int) -> list[dict[str, Any]]:
    """Rows whose label is that of the night; every tenth has no time."""
    chance = np.random.default_rng(seed)
    made = []
    for row in table(rows, seed=seed):
        at = datetime(2026, 1, 1) + timedelta(minutes=int(chance.integers(0, 200_000)))
        scrap = at.hour < 8 if chance.random() < 0.95 else chance.random() < 0.3
        known = None if chance.random() < 0.1 else at.isoformat()
        made.append(
            {"heat (°C)": row["heat (°C)"], "at": known, "scrap": "scrap" if scrap else "ok"}
        )
    return made


@pytest.mark.parametrize("learner", ["network", "trees"])
def test_a_model_learns_from_the_hour_and_serves_the_text(tmp_path: Path, learner: str) -> None:
    from beltline.models.training import run_fn

    custom = config(**NIGHTS)
    custom["model"]["learners"] = [learner]
    transform(tmp_path, custom, {"train": nights(1500, 0), "validation": nights(400, 1)})
    run_fn(fn_args(tmp_path, custom))
    model = tf.saved_model.load(str(tmp_path / "serving"))
    # The same instant in several forms, by day and by night; then what is no time, and none at all.
    day = ["2026-03-01T12:00:00", "2026-03-01 13:00+01:00", "20260301T120000Z"]
    night = ["2026-03-01T02:00:00", "2026-02-28T23:00-03:00"]
    none = ["noon", "2026-02-30", "NA", ""]
    texts = [*day, *night, *none]
    heat = tf.constant([200.0] * len(texts))
    signature = model.signatures["serving_default"]
    assert signature.structured_input_signature[1]["at"].dtype == tf.string
    served = signature(heat_C_=heat, at=tf.constant(texts))["probability"].numpy()
    asked = call(model, "examples", [{"heat (°C)": 200.0, "at": text} for text in texts])
    np.testing.assert_allclose(served, asked["probability"], rtol=1e-5)
    for alike in (served[:3], served[3:5], served[5:]):
        np.testing.assert_allclose(alike, alike[0], rtol=1e-5)
    assert served[0] < 0.25
    assert served[3] > 0.75
    assert served[0] < served[5] < served[3]
