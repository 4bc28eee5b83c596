import numpy as np
import pyarrow as pa
import pytest

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
    ],
)
def test_texts_are_read_as_iso_8601(text, seconds):
    assert times(pa.array([text, None]), numbers=False)[0] == seconds * 1e6


@pytest.mark.parametrize("text", ["", "24.12.2026", "2026-13-01", "noon", "1700000000"])
def test_what_is_no_time_is_not_a_number(text):
    assert np.isnan(times(pa.array([text]), numbers=False)).all()
