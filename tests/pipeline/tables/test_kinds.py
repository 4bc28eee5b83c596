"""What the quick looks at a column's texts leave out makes no difference."""

import math
import re

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from beltline.base.values import MISSING
from beltline.pipeline.tables.kinds import (
    ORDER,
    MisfitError,
    converted,
    first_out_of_range,
    kind_of,
)

NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?|[+-]?inf(inity)?|[+-]?nan", re.I)
CODE = re.compile(r"\+\d+|[+-]?0\d.*|[+-]?\d{20,}")
TEXTS = st.one_of(
    st.text(st.sampled_from("0123456789+-.eExN/A# \t"), max_size=6),
    st.sampled_from([*MISSING, " NA", "nan ", "\n", "inf", "-0", "0x1F", "0xFFFFFFFFF", "None"]),
    st.integers(-(2**64), 2**64).map(str),
    st.floats().map(str),
)


def kind_by_the_rules(text):
    """The table in `pipeline/tables/__init__.py`, for one value; None where it is missing."""
    text = text.strip(" \t\n\v\f\r")
    if text in MISSING:
        return None
    whole = re.fullmatch(r"-?[1-9]\d*|0", text)
    if whole and -(2**63) <= int(text) < 2**63:
        return "integer"
    if CODE.fullmatch(text) or not NUMBER.fullmatch(text):
        return "text"
    if math.isinf(float(text)) and "inf" not in text.lower():
        # Beyond 64 bits, such as 1e310.
        return "text"
    return "number" if "nan" not in text.lower() else "nan"


@settings(max_examples=300, deadline=None)
@given(st.lists(st.one_of(TEXTS, st.none()), min_size=1, max_size=6), st.integers(0, 2))
def test_a_column_has_the_kind_of_its_widest_value(texts, skipped):
    kinds = [kind for text in texts if text is not None and (kind := kind_by_the_rules(text))]
    wanted = max((kind.replace("nan", "number") for kind in kinds), key=ORDER.index, default=None)
    # A slice of a longer array, as batches are.
    values = pa.array(["007"] * skipped + texts, pa.string()).slice(skipped)
    assert kind_of(values) == wanted
    for kind in ORDER:
        fits = wanted is None or ORDER.index(wanted) <= ORDER.index(kind)
        if fits:
            got = converted(values, kind).to_pylist()
            missing = [text is None or kind_by_the_rules(text) is None for text in texts]
            nan = [text is not None and kind_by_the_rules(text) == "nan" for text in texts]
            assert [value is None for value in got] == [
                absent or (kind == "number" and is_nan)
                for absent, is_nan in zip(missing, nan, strict=True)
            ]
        elif kind == "number":
            with pytest.raises(MisfitError):
                converted(values, kind)


def test_a_number_beyond_64_bits_is_text():
    assert kind_of(pa.array(["1", "1e400"])) == "text"
    assert kind_of(pa.array(["1", "-Infinity", "inf"])) == "number"
    with pytest.raises(MisfitError) as caught:
        converted(pa.array(["inf", "1e400"]), "number")
    assert caught.value.index == 1


@pytest.mark.parametrize(
    ("values", "kind", "first"),
    [
        (pa.array([1.5, None, float("inf"), 1e39]), "number", 3),
        (pa.array([1.5, None, float("inf"), -3.4e38]), "number", None),
        (pa.array([2**53 - 1, None, -(2**53)]), "integer", 2),
        (pa.array([2**53 - 1, None]), "integer", None),
        (pa.array(["1e39"]), "text", None),
        (pa.array([None], pa.float64()), "number", None),
    ],
)
def test_numbers_that_no_example_holds(values, kind, first):
    assert first_out_of_range(values, kind) == first
