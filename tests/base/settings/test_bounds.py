import pytest
from pydantic import ValidationError

from beltline.base.settings.bounds import Bound


@pytest.mark.parametrize("given", [{"lower": 0}, {"upper": 0}, {"lower": 0.5, "upper": 0.5}])
def test_one_bound_is_enough_and_both_may_be_equal(given):
    found = Bound(**given)
    assert (found.lower, found.upper) == (given.get("lower"), given.get("upper"))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "set `lower`, `upper` or both"),
        ({"lower": 0.6, "upper": 0.5}, "`lower` is above `upper`"),
        ({"least": 0.5}, "least"),
    ],
)
def test_what_bounds_nothing_is_refused(given, message):
    with pytest.raises(ValidationError, match=message):
        Bound(**given)
