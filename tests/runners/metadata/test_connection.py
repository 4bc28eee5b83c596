"""The connection to ML Metadata's database, by its URL."""

import sqlite3

import pytest

from beltline.base.database_url import sqlite_file
from beltline.base.errors import WrongInput
from beltline.runners.metadata.connection import connection_config
from beltline.runners.metadata.store import Lineage
from tests.runners.projects import Ledger


@pytest.mark.parametrize("name", ["plain", "a b", "50%", "no#1", "why?", "ä:@"])
def test_sqlite_may_lie_in_any_folder(tmp_path, name):
    file = tmp_path / name / "metadata.sqlite"
    config = connection_config(f"sqlite:///{file}")
    assert config.sqlite.filename_uri == str(file) == str(sqlite_file(f"sqlite:///{file}"))
    Ledger(f"sqlite:///{file}").run("r1")
    assert sqlite3.connect(file).execute("select count(*) from Context").fetchone() == (2,)


def test_mysql():
    source = connection_config("mysql://me:p%40ss%2Fword@db.example/meta").mysql
    assert (source.host, source.port, source.database) == ("db.example", 3306, "meta")
    assert (source.user, source.password) == ("me", "p@ss/word")
    assert connection_config("mysql://me@db:13306/meta").mysql.port == 13306


def test_postgresql():
    source = connection_config("postgresql://me:secret@db.example/meta").postgresql
    assert (source.host, source.port, source.dbname) == ("db.example", "5432", "meta")
    assert (source.user, source.password) == ("me", "secret")


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        ("postgres://me:p%40ss@db:5433/meta", "postgresql"),
        ("postgresql+psycopg2://me:p%40ss@db:5433/meta?sslmode=prefer", "postgresql"),
        ("mysql+mysqldb://me:p%40ss@db:5433/meta?charset=utf8mb4", "mysql"),
    ],
)
def test_as_airflow_writes_it(url, kind):
    config = connection_config(url)
    source = getattr(config, kind)
    assert config.WhichOneof("config") == kind
    assert (source.user, source.password, int(source.port)) == ("me", "p@ss", 5433)
    assert (source.dbname if kind == "postgresql" else source.database) == "meta"


@pytest.mark.parametrize(
    "url",
    ["", "sqlite:///", "metadata.sqlite", "mysql://u:secret@host", "oracle://u:secret@host/meta"],
)
def test_another_url_is_refused_without_its_password(url):
    with pytest.raises(WrongInput, match="BELTLINE_METADATA=") as refused:
        connection_config(url)
    assert "mysql://USER" in str(refused.value)
    assert "secret" not in str(refused.value)
    assert sqlite_file(url) is None


def test_what_is_no_database_is_refused_in_one_line(tmp_path):
    (tmp_path / "notes.txt").write_text("This is no database, it is a long file of notes.\n" * 99)
    with pytest.raises(
        WrongInput, match=r"notes\.txt can't be opened: .*not a database"
    ) as refused:
        Lineage(f"sqlite:///{tmp_path / 'notes.txt'}", "line")
    assert "\n" not in str(refused.value)
    assert "CREATE TABLE" not in str(refused.value)


def test_a_server_that_is_not_there_is_refused_without_its_password():
    with pytest.raises(WrongInput, match=r"mysql://me:…@127\.0\.0\.1:1/meta can't be opened"):
        Lineage("mysql://me:secret@127.0.0.1:1/meta", "line")
