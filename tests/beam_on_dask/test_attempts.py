"""Attempts of a lost bundle: what differs is found, what is equal is not."""

import pytest

from beltline.beam_on_dask.attempts import DifferentAttempts, Receipt, stamps, verify


def _receipt(written, read=(), source="source"):
    made = stamps(source, {"out": written})["out"]
    return Receipt(tuple(made), tuple(read), ())


def test_equal_attempts_are_one():
    first, again = _receipt([[b"ab"], [b"c"]]), _receipt([[b"a", b"b"], [b"c"]])
    assert verify([_receipt([], read=first.written)], [again])


@pytest.mark.parametrize("again", [[[b"a"], [b"c"]], [[b"ab"], [b"cb"]], [[], [b"c"]]])
def test_another_attempt_is_noticed(again):
    first = _receipt([[b"ab"], [b"c"]])
    with pytest.raises(DifferentAttempts, match="source was run again"):
        verify([_receipt([], read=first.written)], [_receipt(again)])


def test_a_bucket_that_nobody_has_read_may_differ():
    first = _receipt([[b"ab"], [b"c"]])
    reader = _receipt([], read=first.written[:1], source="reader")
    assert verify([reader], [_receipt([[b"ab"], [b"d"]])])
