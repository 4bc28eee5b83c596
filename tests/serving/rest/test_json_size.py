"""Too many values are refused before they are parsed, whatever the JSON is like."""

import time

import pytest

from beltline.serving.rest.json_size import MAX_NAMES, MAX_VALUES, check_size
from beltline.serving.rest.request_body import parse_json
from beltline.serving.rest.responses import HttpError

SIZE = 16 * 2**20


def body(piece, size=SIZE):
    """A body of that size, full of a piece."""
    return b'{"instances": [%b]}' % b",".join([piece] * (size // (len(piece) + 1)))


def refused(found):
    with pytest.raises(HttpError, match=r"too many values: at most 1,048,576 .*several requests"):
        check_size(found)
    return True


@pytest.mark.parametrize("piece", [b"[]", b'{"":{}}', b"[[[]]]", b"1.23", b'{"a":1}', b"[1,2]"])
def test_a_body_full_of_small_values_is_refused(piece):
    found = body(piece, SIZE // 2)
    assert refused(found)
    with pytest.raises(HttpError, match="too many values"):
        parse_json(found)


@pytest.mark.parametrize("piece", [b"0.12345678901234", b'"a text, of [some] {words}: more"'])
def test_a_body_full_of_larger_values_is_not(piece):
    check_size(body(piece))


def test_what_is_in_texts_is_no_value():
    """Behind escapes, too."""
    inside = b"[{,],}" * 500_000
    for before in (b"", b"\\\\", b'\\"', b'\\\\\\"', b'a\\"b\\\\'):
        check_size(b'{"instances": ["%b%b"]}' % (before, inside))
        # The text ends before it.
        assert refused(b'{"instances": ["%b", %b]}' % (before, inside))
    # Not worth looking at: nearly all is escaped.
    assert refused(b'{"instances": ["%b%b"]}' % (b"\\n" * (MAX_VALUES + 1), inside))


def test_rows_of_a_table_are_no_more_than_allowed():
    """10,000 rows of 100 columns, as lists too, which some models take."""
    for piece in (b"1," * 99 + b"1", b'"a":1,' * 99 + b'"a":1'):
        check_size(b'{"instances": [%b]}' % b",".join([b"{%b}" % piece] * 10_000))
    lists = b",".join([b'{"a":[1],"b":[2],"c":[3]}'] * 10_000)
    check_size(b'{"instances": [%b]}' % lists)


def names(count, value=b"1"):
    return b",".join(b'"%d":%b' % (number, value) for number in range(count))


def test_an_object_of_too_many_names_is_refused_wherever_it_is():
    """Looking up the last of a million new names takes a microsecond each."""
    for value in (b"1", b'{"a":1}', b'["a:b"]'):
        most = 130_000 if value == b"1" else MAX_NAMES
        check_size(b'{"instances": [{%b}]}' % names(most, value))
    many = names(MAX_NAMES + 1)
    assert refused(b"{%b}" % many)
    assert refused(b'{"instances": [{"a":1},{"b":[{"a":1}],"c":{%b}},{"a":1}]}' % many)
    assert refused(b'{"instances": [{"a":[],%b,"b":{}}]}' % many.replace(b'"99":1', b'"99":[{}]'))
    # As many in all, but in many rows.
    check_size(b'{"instances": [%b]}' % b",".join([b'{"a":1,"b":"}{:"}'] * 100_000))


def test_counting_takes_little_time():
    found = body(b'{"":{}}')
    begin = time.perf_counter()
    refused(found)
    assert time.perf_counter() - begin < 2
