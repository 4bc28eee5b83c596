"""However a CSV file is cut, it holds the same rows, each in the same line."""

import csv
import gzip
import io
import pickle

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from beltline.base.errors import WrongInput
from beltline.pipeline import tables
from beltline.pipeline.tables import csv_files, csv_ranges
from beltline.pipeline.tables.csv_records import line_ends, whole_records

FIELD = st.text(st.sampled_from('ab",\r\n Ä'), max_size=6)
BARE = st.text(st.sampled_from("abÄ "), min_size=1, max_size=6)
INCHES = st.sampled_from(['5"', '5" pipe', 'a "quoted" word', 'x""y'])


@st.composite
def files(draw, inches=False):
    """The bytes of a file, the rows in it, and the line that each starts in."""
    line_end = draw(st.sampled_from(["\n", "\r\n", "\r"]))
    text, rows, lines = "id,text\n".replace("\n", line_end), [], []
    field = st.one_of(FIELD, INCHES) if inches else FIELD
    for number in range(draw(st.integers(0, 12))):
        value = draw(field)
        literal = inches and '"' in value and not set(value) & set(",\r\n") and value[0] != '"'
        quoted = not literal and (draw(st.booleans()) or set(value) & set('",\r\n'))
        written = '"' + value.replace('"', '""') + '"' if quoted else value
        text += line_end * draw(st.integers(0, 1))
        lines.append(1 + line_ends(text.encode()))
        rows.append({"id": str(number), "text": value if value.strip() else None})
        text += f"{number},{written}{line_end}"
    if rows and draw(st.booleans()):
        text = text.removesuffix(line_end)
    mark = draw(st.sampled_from(["", "\ufeff"]))
    return (mark + text).encode(), rows, lines


def read(units):
    """The rows of some units and the lines that they stand in."""
    rows, lines = [], []
    for unit in units:
        for block in unit.blocks(["id", "text"]):
            batch, rejected = block.read()
            assert not rejected
            rows += batch.to_pylist()
            lines += [int(block.place(row).removeprefix("line ")) for row in range(len(batch))]
    return rows, lines


def cut(file, size, block, chunk):
    """Reads a file that is cut at `size`; the other two are how much is read at once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(csv_files, "_BLOCK", block)
        patch.setattr(csv_ranges, "_CHUNK", chunk)
        # As they come to a worker.
        units = pickle.loads(pickle.dumps(tables.units([file], size)))  # noqa: S301 - our own
        return units, read(units)


def without_empty(rows):
    return [
        {name: value if value and value.strip() else None for name, value in row.items()}
        for row in rows
    ]


SIZES = {"size": st.integers(1, 80), "block": st.integers(1, 40), "chunk": st.integers(1, 40)}


@settings(max_examples=150, deadline=None)
@given(content=files(), **SIZES)
def test_any_range_size_gives_the_same_rows_in_the_same_lines(
    tmp_path_factory, content, size, block, chunk
):
    data, rows, lines = content
    file = tmp_path_factory.mktemp("csv") / "a.csv"
    file.write_bytes(data)
    units, (got, places) = cut(file, size, block, chunk)
    assert without_empty(got) == rows
    assert places == lines
    assert [unit.end for unit in units] == [*(unit.start for unit in units[1:]), None]
    assert len({unit.start for unit in units}) == len(units)


@settings(max_examples=150, deadline=None)
@given(content=files(inches=True), **SIZES)
def test_a_quote_within_an_unquoted_field_opens_nothing(
    tmp_path_factory, content, size, block, chunk
):
    data, rows, lines = content
    file = tmp_path_factory.mktemp("csv") / "a.csv"
    file.write_bytes(data)
    _, (got, places) = cut(file, size, block, chunk)
    assert without_empty(got) == rows
    assert places == lines


@settings(max_examples=100, deadline=None)
@given(st.lists(st.lists(st.text(st.sampled_from('ab",\r\n'), max_size=6), min_size=2, max_size=2)))
@example([['"', "\n"], ["", '""']])
def test_what_csv_writer_writes_is_cut_into_its_records(rows):
    text = io.StringIO(newline="")
    csv.writer(text).writerows(rows)
    data = text.getvalue().encode()
    ends = set()
    for stop in range(len(data) + 1):
        end, at_edges = whole_records(data[:stop], b",")
        ends.add(end)
        assert end <= stop
        assert at_edges or stop < len(data)
    # Each record ends where a part of the file's rows, written on its own, does.
    wanted = {0}
    for count in range(1, len(rows) + 1):
        part = io.StringIO(newline="")
        csv.writer(part).writerows(rows[:count])
        wanted.add(len(part.getvalue().encode()))
    assert ends == wanted


def test_a_large_file_is_cut_and_a_packed_one_is_not(tmp_path):
    data = b"id,text\n" + b"".join(b"%d,x\n" % number for number in range(1000))
    (tmp_path / "a.csv").write_bytes(data)
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(data))
    assert len(tables.units([tmp_path / "a.csv"], 1000)) == 6
    assert len(tables.units([tmp_path / "a.csv"])) == 1
    assert len(tables.units([tmp_path / "a.csv.gz"], 1000)) == 1


@pytest.mark.parametrize("row", [b'7,5" pipe\n', b'7,"a"b\n', b'7,a"b\n'])
def test_a_file_whose_quotes_are_not_rfc_4180s_is_not_cut(tmp_path, row):
    file = tmp_path / "a.csv"
    file.write_bytes(b"id,text\n" + b"1,x\n" * 100 + row + b'2,"y\n"\n' * 100)
    assert len(tables.units([file], 50)) == 1


def test_a_fault_in_a_later_range_is_named_by_its_line_in_the_file(tmp_path):
    file = tmp_path / "a.csv"
    file.write_bytes(b"id,text\r\n" + b'1,"x\r\ny"\r\n' * 100 + b"1,2,3\r\n" + b"2,z\r\n" * 9)
    units = tables.units([file], 100)
    assert len(units) > 5
    with pytest.raises(WrongInput, match="line 202: 3 fields where the header has 2"):
        read(units)


@pytest.mark.parametrize("rows", [b"", b'1,"x\n'])
def test_a_record_that_is_too_long_is_named_and_not_held(tmp_path, rows):
    file = tmp_path / "a.csv"
    file.write_bytes(b"id,text\n1,x\n" + b'2,"' + b"y,\n" * (2 << 20) + rows)
    message = r"line 3: the row that starts here is longer than 4,194,304 bytes; most often a quote"
    with pytest.raises(WrongInput, match=message):
        read(tables.units([file]))
