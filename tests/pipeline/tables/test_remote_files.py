"""Data files in a real S3 server: read as those on the disk are."""

import gzip
import shutil

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from beltline.base.errors import NoData, WrongInput
from beltline.pipeline import tables
from beltline.pipeline.tables.files import data_path, source_path
from beltline.pipeline.tables.sources import Source
from beltline.storage import objects
from beltline.storage.url import parse

pytestmark = pytest.mark.slow

ROWS = 20_000


@pytest.fixture
def both(bucket, tmp_path):
    """Puts files on the disk and into the store; returns the path and the URL."""
    folder = tmp_path / "data"

    def put(**contents):
        for name, content in contents.items():
            file = folder / name.replace("__", "/").replace("_dot_", ".")
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)
        files = [each for each in folder.rglob("*") if each.is_file()]
        url = parse(bucket)
        objects.upload({url / each.relative_to(folder).as_posix(): each for each in files})
        return folder, bucket

    yield put
    shutil.rmtree(folder, ignore_errors=True)


def csv(rows=ROWS):
    lines = [f'{n},"a ""q"" {n % 7}\n2",{n / 3}' for n in range(rows)]
    return ("n,text,x\n" + "\n".join(lines) + "\n").encode()


def parquet(tmp_path):
    table = pa.table({"n": range(ROWS), "text": [f"t{n}" for n in range(ROWS)]})
    pq.write_table(table, tmp_path / "t", row_group_size=3000)
    return (tmp_path / "t").read_bytes()


def rows_of(files, size=100_000):
    found = []
    for unit in tables.units(files, size):
        for block in unit.blocks(tables.column_names(files)):
            found += block.read()[0].to_pylist()
    return found


@pytest.mark.parametrize(
    "name", ["a_dot_csv", "a_dot_csv_dot_gz", "a_dot_csv_dot_zst", "a_dot_parquet"]
)
def test_a_file_has_the_same_rows_names_kinds_and_digest(both, tmp_path, name):
    contents = {
        "a_dot_csv": csv,
        "a_dot_csv_dot_gz": lambda: gzip.compress(csv()),
        "a_dot_csv_dot_zst": lambda: pa.compress(csv(), "zstd", asbytes=True),
        "a_dot_parquet": lambda: parquet(tmp_path),
    }
    folder, url = both(**{name: contents[name]()})
    there, here = tables.data_files(data_path(url)), tables.data_files(folder)
    assert [file.name for file in there] == [file.name for file in here]
    assert len(tables.units(there, 100_000)) == len(tables.units(here, 100_000))
    assert rows_of(there) == rows_of(here)
    assert len(rows_of(there)) == ROWS
    assert tables.column_kinds(there) == tables.column_kinds(here)
    assert tables.content_digest(there) == tables.content_digest(here)


def test_files_are_found_as_on_the_disk(both):
    folder, url = both(
        b_dot_csv=b"x\n2\n", a_dot_csv=b"x\n1\n", _dot_hidden_dot_csv=b"", sub__c_dot_csv=b"x\n3\n"
    )
    for place, start in ((folder, str(folder)), (data_path(url), url)):
        assert [file.name for file in tables.data_files(place)] == ["a.csv", "b.csv"]
        for pattern, found in (("*.csv", ["a.csv", "b.csv"]), ("[b-z].csv", ["b.csv"])):
            paths = tables.data_files(data_path(f"{start}/{pattern}"))
            assert [file.name for file in paths] == found
        with pytest.raises(WrongInput, match="no such file or folder"):
            tables.data_files(data_path(f"{start}/nothing"))
        with pytest.raises(WrongInput, match="no data files found there"):
            tables.data_files(data_path(f"{start}/*.parquet"))


def test_spans_are_found_as_on_the_disk(both):
    folder, url = both(
        **{
            "2026-11-27__a_dot_csv": b"x\n1\n",
            "2026-11-28__a_dot_csv": b"x\n2\n",
            "2026-00-00__a_dot_csv": b"x\n9\n",
            "other__a_dot_csv": b"x\n9\n",
        }
    )
    for start in (str(folder), url):
        path = f"{start}/{{YYYY}}-{{MM}}-{{DD}}/*.csv"
        assert Source(path).find().name == "2026-11-28"
        assert rows_of(Source(path, span="2026-11-27").find().tables) == [{"x": "1"}]
        with pytest.raises(NoData, match="there are: 2026-11-27, 2026-11-28"):
            Source(path, span="2026-11-26").find()


def test_errors_name_the_url_and_the_line(both):
    _, url = both(a_dot_csv=b"x,y\n1,2\n3\n")
    [file] = tables.data_files(data_path(url))
    with pytest.raises(WrongInput, match=rf"{url}/a.csv, line 3: "):
        rows_of([file])


@pytest.mark.parametrize("kind", ["busy", "cut"])
def test_it_reads_through_faults(both, faults, tmp_path, kind):
    folder, url = both(a_dot_csv=csv())
    getattr(faults, kind).update({"GET": 3, "HEAD": 2})
    assert rows_of(tables.data_files(data_path(url))) == rows_of(tables.data_files(folder))
    assert set(getattr(faults, kind).values()) == {0}


def test_a_store_that_refuses_is_a_mistake_of_the_input(both, monkeypatch):
    _, url = both(a_dot_csv=b"x\n1\n")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "planted")
    with pytest.raises(WrongInput, match="access denied; check the credentials"):
        tables.data_files(data_path(url))


def test_a_large_file_is_not_held_in_memory(both, tmp_path):
    """A range of a file is read by some megabytes at a time."""
    _, url = both(a_dot_csv=b"x,text\n" + b"1,aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n" * 2_000_000)
    [file] = tables.data_files(data_path(url))
    with file.open() as stream:
        assert stream.read(10) == b"x,text\n1,a"
        assert stream.raw.tell() <= 8 << 20
    units = tables.units([file], 32 << 20)
    assert len(units) > 1
    pa.default_memory_pool().release_unused()
    before = pa.total_allocated_bytes()
    most = 0
    for block in units[1].blocks(["x"]):
        block.read()
        most = max(most, pa.total_allocated_bytes() - before)
    assert most < 20 << 20


def test_a_url_is_not_taken_for_a_relative_path(monkeypatch, tmp_path):
    monkeypatch.setenv("BELTLINE_DATA", str(tmp_path))
    assert str(source_path("s3://bucket/in/*.csv")) == "s3://bucket/in/*.csv"
    assert source_path("in") == tmp_path / "in"
    with pytest.raises(WrongInput, match="only s3:// and gs://"):
        source_path("https://bucket/in")
