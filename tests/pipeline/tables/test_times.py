"""Times are read as Python's own `datetime` reads them, in more forms, and nothing else is one."""

from datetime import UTC, datetime, timedelta, timezone

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from beltline.pipeline.tables.times import times


def test_the_times_are_numbers_also_where_the_schema_has_text():
    texts = pa.array(["9", "10", None, "1e3"])
    assert times(texts, numbers=True).tolist()[:2] == [9.0, 10.0]
    assert np.isnan(times(texts, numbers=True)[2])
    assert times(pa.array([3, None]), numbers=True)[0] == 3.0


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1970-01-02", 86_400),
        ("1970-01-01T00:01:00.5", 60.5),
        ("1970-01-01 01:01+01:00", 60),
        ("1970-01-01T00:01Z", 60),
        ("1969-12-31T23:59:59", -1),
        ("19700101T000100Z", 60),
        ("1970-02", 31 * 86_400),
        ("1970-1-2 6:00", 108_000),
        ("1970/01/02", 86_400),
        ("1970.01.01 00:01:00.25 -00:30", 1860.25),
        (" 1970-01-01 00:01 UTC\n", 60),
        ("1970-01-01t00z", 0),
        ("0001-01-01", -62_135_596_800),
        ("9999-12-31T23:59:59-23:59", 253_402_387_139),
    ],
)
def test_texts_are_read_as_iso_8601(text, seconds):
    assert times(pa.array([text, None]), numbers=False)[0] == seconds * 1e6


@pytest.mark.parametrize(
    "text",
    (
        *("", "24.12.2026", "2026-13-01", "2026-02-29", "1900-02-29", "2026-04-31", "2026-00-10"),
        *("noon", "now", "today", "1700000000", "2026", "2026-W47-1", "12026-01-01", "2026-11-32"),
        *("2026-11-23T24:00", "2026-11-23T06:60", "2026-11-23T23:59:60", "2026-11-23T06:00:00,5"),
        *("2026-11-23T", "2026-11-23Z", "2026-11-23T06:00+24:00", "2026-11-23T06:00+01:60"),
        *("2026-11-23 06:00 CET", "\uff12026-11-23", "2026-11-23T06:00\u221201:00"),
        *("2026-11-23\0", "2026-11-23 06:00 2026-11-23 06:00"),
    ),
)
def test_what_is_no_time_is_not_a_number(text):
    assert np.isnan(times(pa.array([text]), numbers=False)).all()


ZONES = st.integers(-1439, 1439).map(lambda minutes: timezone(timedelta(minutes=minutes)))


@given(st.datetimes(timezones=ZONES | st.just(UTC) | st.none()), st.sampled_from("T "))
def test_any_instant_is_read_as_python_reads_it(at, separator):
    instant = at if at.tzinfo else at.replace(tzinfo=UTC)
    since = (instant - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
    found = times(pa.array(["x", at.isoformat(separator)]), numbers=False)
    # Far from 1970 a float64 has no single microseconds.
    assert abs(found[1] - since) <= max(1, abs(since) * 2**-52)


def test_a_slice_and_no_rows():
    texts = pa.array(["x", "1970-01-02", None, "1970-01-01"]).slice(1, 2)
    assert times(texts, numbers=False).tolist()[0] == 86_400e6
    assert np.isnan(times(texts, numbers=False)[1])
    assert times(pa.array([], pa.string()), numbers=False).shape == (0,)
