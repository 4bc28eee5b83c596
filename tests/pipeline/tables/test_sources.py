import os
import shutil

import pytest

from beltline.base.database_url import DATABASE
from beltline.base.errors import NoData, WrongInput
from beltline.pipeline.tables.databases import Query
from beltline.pipeline.tables.sources import Source, query_of_span, tables_of
from tests.sql_database import Database


@pytest.fixture
def database(tmp_path, monkeypatch):
    file = tmp_path / "parts.db"
    file.touch()
    monkeypatch.setenv(DATABASE, f"sqlite:///{file}")
    database = Database(os.environ[DATABASE])
    database.execute(
        "CREATE TABLE parts (id INTEGER, day TEXT, temp REAL)",
        "INSERT INTO parts VALUES (1, '2026-11-23', 0.5), (2, '2026-11-23', 1.5)",
    )
    return database


def digest(source, unread=(), split_by=""):
    return source.digest(source.find(), unread, split_by)


def test_files(tmp_path):
    (tmp_path / "a.csv").write_text("x\n1\n")
    found = Source("a.csv", start=tmp_path).find()
    assert found.tables == found.files == [tmp_path / "a.csv"]
    assert digest(Source("a.csv", start=tmp_path)) == digest(Source(str(tmp_path / "a.csv")))


def test_a_query():
    found = Source(query="SELECT 1").find()
    assert (found.tables, found.files, found.name) == ([Query("SELECT 1")], [], "latest")
    assert (found.number, str(found.query)) == (None, "data.query")


@pytest.mark.parametrize(
    ("span", "number"), [("7", 7), ("2026-11-23", 20780), ("1970-01-01", 0), ("0012", 12)]
)
def test_a_query_of_a_span_has_its_number(span, number):
    found = Source(query="SELECT :span", span=span).find()
    assert (found.name, found.number, found.query.span) == (span, number, span)


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("SELECT 1", "2026-11-23"),
        ("SELECT :span", "latest"),
        ("SELECT ':span'", "7"),
        ("SELECT :span", "2026-02-30"),
    ],
)
def test_a_span_and_a_query_that_do_not_go_together(text, span):
    with pytest.raises(WrongInput, match=f"data.span '{span}': "):
        query_of_span(text, span)


def test_what_changes_the_digest(database):
    source = Source(query="SELECT * FROM parts")
    every, without = digest(source), digest(source, ["temp"])
    assert every != without
    database.execute("UPDATE parts SET temp = 7 WHERE id = 1")
    assert digest(source) != every
    assert digest(source, ["temp"]) == without
    # Not read for the model, but the split depends on it.
    assert digest(source, ["temp"], "temp") == digest(source)


def test_another_query_may_tell_what_has_changed(database):
    source = Source(query="SELECT * FROM parts", changed_by="SELECT max(id), max(id) FROM parts")
    before = digest(source)
    database.execute("UPDATE parts SET temp = 7")
    assert digest(source) == before
    database.execute("INSERT INTO parts (id) VALUES (3)")
    assert digest(source) != before


def test_the_same_answer_of_another_database_is_another(database, tmp_path, monkeypatch):
    source = Source(query="SELECT * FROM parts", changed_by="SELECT count(*) FROM parts")
    counted, read = digest(source), digest(Source(query=source.query))
    shutil.copy(tmp_path / "parts.db", tmp_path / "copy.db")
    monkeypatch.setenv(DATABASE, f"sqlite:///{tmp_path / 'copy.db'}")
    assert digest(source) != counted
    assert digest(Source(query=source.query)) == read


def test_a_span_without_rows_is_no_data(database):
    of_day = Source(query="SELECT * FROM parts WHERE day = :span", span="2026-11-23")
    assert digest(of_day)
    with pytest.raises(NoData, match="no data for span 2026-11-24"):
        digest(Source(query=of_day.query, span="2026-11-24"))


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("SELECT 1 AS a, 2 AS a", "data.query: column name used more than once: 'a'"),
        ("SELECT id FROM parts", "features.exclude names every column of data.query"),
    ],
)
def test_columns_that_will_not_do(database, query, message):
    with pytest.raises(WrongInput, match=message):
        digest(Source(query=query), ["id"])


def test_what_init_looks_at(tmp_path):
    (tmp_path / "a.csv").touch()
    assert tables_of(tmp_path / "a.csv") == [tmp_path / "a.csv"]
    assert tables_of("SELECT 1") == [Query("SELECT 1")]
    with pytest.raises(WrongInput, match="contains :span"):
        tables_of("SELECT :span")
