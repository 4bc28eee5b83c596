"""What single values mean; whole columns are compared with them in tests/test_same_meaning.py."""

import math

import pytest

from beltline.base.values import MISSING, UnfitValue, number_of, text_of, whole_of

OF = {"integer": whole_of, "number": number_of, "text": text_of}


@pytest.mark.parametrize("value", [*MISSING, " NA\t", "\n", None, float("nan")])
@pytest.mark.parametrize("kind", OF)
def test_what_is_missing_is_so_in_a_column_of_any_kind(kind, value):
    assert OF[kind](value) is None


@pytest.mark.parametrize(
    ("kind", "value", "meaning"),
    [
        ("integer", 48, 48),
        ("integer", 48.0, 48),
        ("integer", " 48 ", 48),
        ("integer", "4.8e1", 48),
        ("integer", 2**53 - 1, 2**53 - 1),
        ("number", 48, 48.0),
        ("number", "48.9", 48.9),
        ("number", ".5", 0.5),
        ("number", "-Inf", -math.inf),
        ("number", 3.4028235e38, 3.4028235e38),
        ("text", " M1 ", " M1 "),
        ("text", "None", "None"),
        ("text", 48, "48"),
        ("text", 48.0, "48"),
        ("text", 1e16, "1e+16"),
        ("text", True, "true"),
    ],
)
def test_values(kind, value, meaning):
    found = OF[kind](value)
    assert found == meaning
    assert type(found) is type(meaning)


@pytest.mark.parametrize(
    ("kind", "value", "why"),
    [
        ("integer", 48.9, "48.9 is not a whole number"),
        ("integer", "48.9", "'48.9' is not a whole number"),
        ("integer", 1e300, "1e+300 is beyond ±9007199254740991, the whole numbers that a 64-bit"),
        ("integer", math.inf, "inf is not a whole number"),
        ("integer", 2**53, "9007199254740992 is beyond ±9007199254740991"),
        ("number", 1e39, "1e+39 is beyond the range of 32-bit floats"),
        ("number", "1e400", "'1e400' is not a number"),
        ("number", 10**400, "beyond the range"),
        ("number", "hot", "'hot' is not a number"),
        ("number", True, "'true' is not a number"),
        ("number", "007", "'007' is not a number"),
        ("number", "+4930123", "'+4930123' is not a number"),
        ("number", "1_000", "'1_000' is not a number"),
        ("number", "٣", "is not a number"),
        ("number", "x" * 1000, "…"),
    ],
)
def test_values_that_a_column_cannot_hold(kind, value, why):
    with pytest.raises(UnfitValue) as caught:
        OF[kind](value)
    assert why in str(caught.value)
    assert len(str(caught.value)) < 200
