"""What is particular to each kind of database: its own types, its settings, its certificates."""

import time

import pytest

from beltline.base.database_url import DATABASE
from beltline.pipeline.tables.databases import Query
from tests.certificates import certificates
from tests.databases import mariadb, postgresql
from tests.sql_database import Database, refusal, rows, sqlite_url


class TestSqlite:
    @pytest.fixture
    def database(self, tmp_path, monkeypatch):
        url = sqlite_url(tmp_path / "odd #1 parts?.db")
        monkeypatch.setenv(DATABASE, url)
        return Database(url)

    def test_a_column_may_hold_values_of_several_types(self, database):
        database.execute("CREATE TABLE t (a)", "INSERT INTO t VALUES (1), ('x'), (2.5), (NULL)")
        assert [row["a"] for row in rows("SELECT a FROM t")] == ["1", "x", "2.5", None]
        assert [row["a"] for row in rows("SELECT a FROM t", size=1)] == [1, "x", 2.5, None]

    def test_bytes_among_them_are_refused(self, database):
        database.execute("CREATE TABLE t (a)", "INSERT INTO t VALUES ('x'), (x'00'), (1)")
        assert "column 'a' holds binary" in refusal(rows, "SELECT a FROM t")

    def test_a_text_that_is_not_utf_8(self, database):
        database.execute("CREATE TABLE t (a)", "INSERT INTO t VALUES (CAST(x'e4f6' AS TEXT))")
        assert "UTF-8" in refusal(rows, "SELECT a FROM t")


@pytest.mark.slow
class TestPostgresql:
    @pytest.fixture
    def database(self, postgresql, monkeypatch):
        database = Database(postgresql.database())
        monkeypatch.setenv(DATABASE, database.url)
        return database

    @pytest.mark.parametrize(
        ("value", "text"),
        [
            ("true", "true"),
            ("TIMESTAMP '2026-11-23 10:30:00'", "2026-11-23 10:30:00.000000"),
            ("TIMESTAMPTZ '2026-11-23 10:30:00+02'", "2026-11-23 08:30:00.000000Z"),
            ("12345678901234567890.5::numeric", "12345678901234567890.5"),
            ("'NaN'::numeric", "nan"),
            ("'NaN'::float8", None),
            ("'{\"a\": 1}'::json", '{"a": 1}'),
            (
                "'6f1c1b1e-0000-4000-8000-000000000001'::uuid",
                "6f1c1b1e-0000-4000-8000-000000000001",
            ),
            ("'a'::char(3)", "a  "),
            ("7::smallint", 7),
            ("0.5::real", 0.5),
        ],
    )
    def test_its_own_types(self, database, value, text):
        assert rows(f"SELECT {value} AS a") == [{"a": text}]
        assert rows(f"SELECT {value} AS a UNION ALL SELECT NULL")[1] == {"a": None}

    @pytest.mark.parametrize(
        "value",
        ["ARRAY[1, 2]", "INTERVAL '1 day'", "'10.0.0.1'::inet", "1.50::money", "POINT '1, 2'"],
    )
    def test_what_is_no_single_value_is_refused_with_a_fix(self, database, value):
        message = refusal(rows, f"SELECT {value} AS a")
        assert "column 'a'" in message and "CAST(a AS " in message

    @pytest.mark.parametrize(("encoding", "text"), [("LATIN1", "Möwe"), ("SQL_ASCII", "Mowe")])
    def test_a_database_in_another_encoding(self, database, monkeypatch, encoding, text):
        other = self.made(database, encoding)
        monkeypatch.setenv(DATABASE, other)
        Database(f"{other}?client_encoding=UTF8").execute(
            "CREATE TABLE t (a text)", f"INSERT INTO t VALUES ('{text}')"
        )
        assert rows("SELECT a FROM t") == [{"a": text}]

    def test_bytes_that_are_not_utf_8(self, database, monkeypatch):
        other = self.made(database, "SQL_ASCII")
        monkeypatch.setenv(DATABASE, other)
        assert "UTF8" in refusal(rows, r"SELECT E'M\xf6we' AS a")

    def made(self, database, encoding):
        """The URL of a further database in this encoding."""
        url = f"{database.url}_{encoding.lower()}"
        options = f"ENCODING '{encoding}' TEMPLATE template0 LOCALE 'C'"
        database.execute(f"CREATE DATABASE {url.rpartition('/')[2]} {options}")
        return url


@pytest.mark.slow
class TestMysql:
    @pytest.fixture
    def database(self, mariadb, monkeypatch):
        database = Database(mariadb.database())
        monkeypatch.setenv(DATABASE, database.url)
        return database

    @pytest.mark.parametrize(
        ("value", "text"),
        [
            ("TRUE", "1"),
            ("TIMESTAMP('2026-11-23 10:30:00')", "2026-11-23 10:30:00"),
            ("TIME('10:30:00')", "10:30:00"),
            ("CAST(18446744073709551615 AS UNSIGNED)", "18446744073709551615"),
            ("JSON_OBJECT('a', 1)", '{"a": 1}'),
            ("CAST('2026-11-23' AS DATE)", "2026-11-23"),
        ],
    )
    def test_its_own_types(self, database, value, text):
        assert rows(f"SELECT {value} AS a UNION ALL SELECT NULL") == [{"a": text}, {"a": None}]

    def test_a_reading_that_ends_early_does_not_wait_for_the_rest(self, database):
        query = Query("SELECT a.seq AS i FROM seq_1_to_300000 a, seq_1_to_300000 b")
        started = time.monotonic()
        assert query.header() == ["i"]
        next(query.batches(["i"], 10))
        assert time.monotonic() - started < 10


@pytest.mark.slow
def test_a_mysql_server_must_show_the_certificate_that_is_asked_for(tmp_path, monkeypatch):
    made = certificates(tmp_path)
    with mariadb(made) as server:
        url = server.database()
        cipher = "SHOW STATUS LIKE 'Ssl_cipher'"
        for options in ("", f"?ssl_ca={made}/ca.pem"):
            monkeypatch.setenv(DATABASE, f"{url}{options}")
            assert rows(cipher)[0]["Value"].startswith("TLS_")
        monkeypatch.setenv(DATABASE, f"{url}?ssl_ca={made}/other.pem")
        assert "certificate verify failed" in refusal(rows, cipher)
        named = url.replace("127.0.0.1", "localhost")
        monkeypatch.setenv(DATABASE, f"{named}?ssl_ca={made}/ca.pem")
        assert "Hostname mismatch" in refusal(rows, cipher)
        monkeypatch.setenv(DATABASE, f"{url}?ssl_ca={made}/none.pem")
        assert "No such file" in refusal(rows, cipher)


@pytest.mark.slow
def test_a_postgresql_server_must_show_the_certificate_that_is_asked_for(tmp_path, monkeypatch):
    made = certificates(tmp_path)
    verified = f"sslmode=verify-full&sslrootcert={made}"
    with postgresql(made) as server:
        url = server.database()
        encrypted = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()"
        for options in ("", f"?{verified}/ca.pem"):
            monkeypatch.setenv(DATABASE, f"{url}{options}")
            assert rows(encrypted)[0]["ssl"]
        monkeypatch.setenv(DATABASE, f"{url}?{verified}/other.pem")
        assert "certificate verify failed" in refusal(rows, encrypted)
        named = url.replace("127.0.0.1", "localhost")
        monkeypatch.setenv(DATABASE, f"{named}?{verified}/ca.pem")
        assert "localhost" in refusal(rows, encrypted)
        monkeypatch.setenv(DATABASE, f"{url}?sslmode=disable")
        assert "no encryption" in refusal(rows, encrypted)
