"""The rows of a query, from real databases of each kind."""

import pickle
import subprocess
import sys

import pytest

from beltline.base.database_url import DATABASE
from beltline.base.errors import NoData
from beltline.pipeline.tables import databases
from beltline.pipeline.tables.databases import Query, placeholder
from beltline.pipeline.tables.kinds import converted, kind_of
from tests.sql_database import Database, refusal, rows, sqlite_url

KINDS = [
    "sqlite",
    pytest.param("mysql", marks=pytest.mark.slow),
    pytest.param("postgresql", marks=pytest.mark.slow),
]
SERVERS = KINDS[1:]
SERVER = {"mysql": "mariadb", "postgresql": "postgresql"}


@pytest.fixture(params=KINDS)
def database(request, tmp_path, monkeypatch):
    """An empty database, named by the environment."""
    url = sqlite_url(tmp_path / "parts.db")
    if request.param in SERVER:
        url = request.getfixturevalue(SERVER[request.param]).database()
    monkeypatch.setenv(DATABASE, url)
    database = Database(url)
    if request.param == "mysql":
        database.execute("ALTER DATABASE CHARACTER SET utf8mb4")
    return database


PARTS = (
    "CREATE TABLE parts (id INTEGER, wide BIGINT, name VARCHAR(40), price DECIMAL(12, 2), "
    "made DATE, share DOUBLE PRECISION)",
    "INSERT INTO parts VALUES (1, 9007199254740993, 'Łódź 東京', 1.50, '2026-11-23', 0.25)",
    "INSERT INTO parts VALUES (2, NULL, '', NULL, NULL, NULL)",
    "INSERT INTO parts VALUES (3, -5, '007', -12345678.25, '2025-02-28', 1e300)",
)


def test_each_type_has_a_kind_and_values(database):
    database.execute(*PARTS)
    query = Query("SELECT * FROM parts ORDER BY id")
    assert query.header() == ["id", "wide", "name", "price", "made", "share"]
    [batch] = query.batches(query.header(), 100)
    kinds = {name: kind_of(batch.column(name)) for name in batch.schema.names}
    assert kinds == {
        "id": "integer",
        "wide": "integer",
        "name": "text",
        "price": "number",
        "made": "text",
        "share": "number",
    }
    values = {name: converted(batch.column(name), kind).to_pylist() for name, kind in kinds.items()}
    assert values == {
        "id": [1, 2, 3],
        "wide": [9007199254740993, None, -5],
        "name": ["Łódź 東京", None, "007"],
        "price": [1.5, None, -12345678.25],
        "made": ["2026-11-23", None, "2025-02-28"],
        "share": [0.25, None, 1e300],
    }


def test_the_columns_that_are_asked_for(database):
    database.execute(*PARTS)
    assert rows("SELECT * FROM parts WHERE id = 1;", ["name", "id"]) == [
        {"name": "Łódź 東京", "id": 1 if database.kind != "mysql" else "1"}
    ]


def test_batches_are_no_larger_than_asked_for(database):
    read = Query(database.series).batches(["i"], 50_000)
    sizes = [batch.num_rows for batch in read]
    assert sum(sizes) == 300_000 and max(sizes) <= 50_000


def test_a_result_without_rows(database):
    database.execute(*PARTS)
    query = Query("SELECT id, name FROM parts WHERE id > 99")
    assert query.header() == ["id", "name"]
    assert rows(query) == []


def test_a_column_without_values(database):
    database.execute(*PARTS)
    [batch] = Query("SELECT NULL AS a FROM parts").batches(["a"], 10)
    assert kind_of(batch.column("a")) is None


def test_a_name_used_twice_is_in_the_header(database):
    assert Query("SELECT 1 AS a, 2 AS b, 3 AS a").header() == ["a", "b", "a"]


def test_bytes_are_refused_with_the_column(database):
    kind = {"postgresql": "BYTEA", "mysql": "VARBINARY(9)", "sqlite": "BLOB"}[database.kind]
    value = {"postgresql": r"'\x00ff'"}.get(database.kind, "x'00ff'")
    database.execute(f"CREATE TABLE t (a {kind}, b INTEGER)", f"INSERT INTO t VALUES ({value}, 1)")
    message = refusal(rows, "SELECT * FROM t")
    assert message.startswith("data.query: column 'a' holds binary") and "CAST(a AS" in message
    assert len(rows("SELECT * FROM t", ["b"])) == 1


@pytest.mark.parametrize("text", ["SELEC 1", "SELECT nowhere FROM parts", "SELECT 1; SELECT 2"])
def test_wrong_sql_is_said_in_the_database_s_words(database, text):
    database.execute(*PARTS)
    for call in (rows, lambda text: Query(text).header()):
        message = refusal(call, text)
        assert message.startswith("data.query: ") and "(the database is " in message
        assert any(word in message for word in ("yntax", "nowhere", "one statement", "multiple"))


@pytest.mark.parametrize(
    "text", ["INSERT INTO parts (id) VALUES (9)", "DELETE FROM parts", "DROP TABLE parts"]
)
def test_nothing_is_written(database, text):
    database.execute(*PARTS)
    refusal(rows, text)
    assert len(rows("SELECT * FROM parts")) == 3


def test_an_error_on_the_way_is_said(database):
    bad = {
        "sqlite": "SELECT abs(CASE WHEN i > 290000 THEN -9223372036854775807 - 1 ELSE i END) AS a",
        "mysql": "SELECT CASE WHEN i > 290000 THEN (SELECT 1 UNION SELECT 2) ELSE i END AS a",
        "postgresql": "SELECT 1 / (i - 290000) AS a",
    }[database.kind]
    message = refusal(rows, f"{bad} FROM ({database.series}) AS s")
    assert any(word in message for word in ("overflow", "more than 1 row", "division by zero"))


@pytest.mark.parametrize(
    "text", ["SELECT '100 %' AS a", "SELECT 'a:span' AS a", "SELECT 1 AS a --"]
)
def test_marks_in_a_query_stay_what_they_are(database, text):
    [row] = rows(text)
    assert row["a"] in ("100 %", "a:span", 1, "1")


class TestSpan:
    TEXT = "SELECT id FROM parts WHERE made = CAST(:span AS DATE) -- :span's day"

    @pytest.fixture
    def text(self, database):
        database.execute(*PARTS)
        return (
            self.TEXT.replace("CAST(:span AS DATE)", ":span")
            if database.kind == "sqlite"
            else self.TEXT
        )

    def test_its_value_is_bound(self, text):
        assert [str(row["id"]) for row in rows(Query(text, "2026-11-23"))] == ["1"]
        assert Query(text, "2026-11-23").header() == ["id"]

    def test_it_is_no_sql(self, database):
        database.execute(*PARTS)
        hostile = "x' OR '1'='1"
        assert rows(Query("SELECT id FROM parts WHERE name = :span", hostile)) == []
        [row] = rows(Query("SELECT :span AS a, 5 % 3 AS b", hostile))
        assert row["a"] == hostile

    def test_one_without_rows_is_no_data(self, text):
        with pytest.raises(NoData, match="no data for span 2026-01-01"):
            databases.content_digest(Query(text, "2026-01-01"), ["id"])
        with pytest.raises(NoData):
            databases.content_digest(Query(text, "2026-01-01"), ["id"], "SELECT 1 AS a")

    def test_another_one_has_another_digest(self, text):
        days = [Query(text, day) for day in ("2026-11-23", "2025-02-28", "2026-11-23")]
        found = [databases.content_digest(query, ["id"]) for query in days]
        assert found[0] == found[2] != found[1]


@pytest.mark.parametrize(
    ("text", "there"),
    [
        ("a = :span", True),
        ("a=:span AND b = ':span'", True),
        ("a = ':span'", False),
        ('":span"', False),
        ("`:span`", False),
        ("a::span", False),
        ("a = :spanner", False),
        ("1 -- :span", False),
        ("1 /* :span \n */", False),
        ("'it''s' || :span", True),
    ],
)
def test_where_the_placeholder_is_one(text, there):
    assert placeholder.is_in(text) is there
    assert (placeholder.replaced(text, "$") != text) is there


class TestDigest:
    def test_the_order_of_rows_does_not_count_but_every_value_does(self, database):
        database.execute(*PARTS)
        columns = ["id", "name", "price"]
        up, down = (f"SELECT * FROM parts ORDER BY id {way}" for way in ("ASC", "DESC"))
        before = databases.content_digest(Query(up), columns)
        assert before == databases.content_digest(Query(down), columns)
        database.execute("UPDATE parts SET made = NULL")
        assert databases.content_digest(Query(up), columns) == before
        database.execute("UPDATE parts SET price = 1.75 WHERE id = 1")
        assert databases.content_digest(Query(up), columns) != before

    def test_another_query_may_stand_for_it(self, database):
        database.execute(*PARTS)
        changed = "SELECT max(id), count(*), count(name) FROM parts"
        query = Query("SELECT * FROM parts")
        before = databases.content_digest(query, ["id"], changed)
        database.execute("UPDATE parts SET price = 1.75 WHERE id = 1")
        assert databases.content_digest(query, ["id"], changed) == before
        database.execute("DELETE FROM parts WHERE id = 2")
        assert databases.content_digest(query, ["id"], changed) != before
        assert refusal(databases.content_digest, query, ["id"], "SELEC").startswith(
            "data.changed_by: "
        )


def test_where_a_row_stands(database):
    blocks = list(Query(database.series).blocks(["i"]))
    assert blocks[0].place(11) == "row 12"
    batch, rejected = blocks[-1].read()
    assert blocks[-1].place(batch.num_rows - 1) == "row 300000" and rejected == []


def test_a_query_is_a_unit_that_travels(database):
    database.execute(*PARTS)
    travelled = pickle.dumps(Query("SELECT id FROM parts"))
    query = pickle.loads(travelled)  # noqa: S301 - our own
    assert (query.source(), query.header()) == ("data.query", ["id"])


def test_a_database_that_is_not_named(monkeypatch):
    monkeypatch.delenv(DATABASE, raising=False)
    assert "BELTLINE_DATABASE is not set" in refusal(Query("SELECT 1").header)


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("sqlite:////nowhere/parts.db", "no such file"),
        ("mysql://me:planted@127.0.0.1:1/parts", "Connection refused"),
        ("postgresql://me:planted@127.0.0.1:1/parts", "Connection refused"),
        ("mysql://me:planted@db.invalid/parts", "db.invalid"),
        ("postgresql://me:planted@db.invalid/parts", "could not translate host name"),
        ("mysql://me:planted@127.0.0.1/parts?charset=utf8", "option 'charset' is not known"),
        ("postgresql://me:planted@127.0.0.1/parts?planet=mars", "planet"),
        ("oracle://me:planted@db/parts", "must be sqlite:///FILE"),
    ],
)
def test_a_database_that_cannot_be_opened(monkeypatch, url, says):
    monkeypatch.setenv(DATABASE, url)
    message = refusal(Query("SELECT 1").header)
    assert "BELTLINE_DATABASE=" in message and says in message
    assert "planted" not in message


@pytest.mark.parametrize("database", SERVERS, indirect=True)
def test_a_wrong_password_is_said_and_not_shown(database, monkeypatch):
    account, _, rest = database.url.rpartition("@")
    monkeypatch.setenv(DATABASE, f"{account}mistyped@{rest}")
    message = refusal(Query("SELECT 1").header)
    assert f":…@{rest}: can't be opened: " in message
    assert "password" in message


def test_a_file_that_is_no_database(tmp_path, monkeypatch):
    (tmp_path / "notes.txt").write_text("No database, but a long file of notes.\n" * 99)
    monkeypatch.setenv(DATABASE, f"sqlite:///{tmp_path / 'notes.txt'}")
    assert "file is not a database" in refusal(Query("SELECT 1").header)


READ = """
import resource, sys
from beltline.pipeline.tables import databases
from beltline.pipeline.tables.row_digest import RowDigest
query = databases.Query(sys.argv[1])
columns = query.header()
next(query.batches(columns, 10))
def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
before = peak()
digest = RowDigest()
for batch in query.batches(columns, 65536):
    digest.add(batch)
print(digest.rows, peak() - before)
"""


@pytest.mark.slow
def test_a_large_table_is_never_held_as_a_whole(database):
    wide = ", ".join(f"i * {n} + 0.5 AS n{n}, 'some text of row {n}' AS t{n}" for n in range(20))
    query = f"SELECT i, {wide} FROM ({database.series}) AS s"
    done = subprocess.run([sys.executable, "-c", READ, query], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    number, grown = done.stdout.split()
    # As Arrow has them, the rows are 230 MiB.
    assert number == "300000" and float(grown) < 150, done.stdout
