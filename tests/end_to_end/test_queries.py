"""Whole runs on the rows of a query, from `init` on; and nobody is told the password."""

import json
from pathlib import Path

import pyarrow as pa
import pytest

from beltline.base.database_url import DATABASE
from beltline.data.casting import generate
from beltline.runners.metadata.store import Lineage
from tests.beltline_process import Beltline
from tests.databases import PASSWORD, Server
from tests.end_to_end.projects import QUICK, Project, states
from tests.sql_database import Database

pytestmark = pytest.mark.slow

TO_THE_DATA = ("--to", "ExampleGen")
ROWS = 1200
QUERY = "SELECT * FROM parts"


# One in every run: only reading differs, and `pipeline/tables/test_databases.py` reads all three.
KINDS = [
    "postgresql",
    *(pytest.param(kind, marks=pytest.mark.long) for kind in ("mariadb", "sqlite")),
]


@pytest.fixture(scope="module", params=KINDS)
def database(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Database:
    """A database with the casting line's parts; half of them are of one day."""
    if request.param == "sqlite":
        file = tmp_path_factory.mktemp("sqlite") / "parts.db"
        file.touch()
        database = Database(f"sqlite:///{file}")
    else:
        server: Server = request.getfixturevalue(request.param)
        database = Database(server.database())
    _fill(database, generate(ROWS, 3))
    return database


def _fill(database: Database, table: pa.Table) -> None:
    kinds = {name: _kind(table.schema.field(name).type) for name in table.column_names}
    columns = ", ".join(f"{name} {kind}" for name, kind in kinds.items())
    database.execute(f"CREATE TABLE parts ({columns}, day DATE)")
    for start in range(0, ROWS, 400):
        values = [
            f"({', '.join(map(_literal, row.values()))}, '2026-11-{22 + start // 600}')"
            for row in table.slice(start, 400).to_pylist()
        ]
        database.execute(f"INSERT INTO parts VALUES {', '.join(values)}")


def _kind(kind: pa.DataType) -> str:
    if pa.types.is_integer(kind):
        return "BIGINT"
    return "DOUBLE PRECISION" if pa.types.is_floating(kind) else "VARCHAR(80)"


def _literal(value: object) -> str:
    return "NULL" if value is None else repr(value)


@pytest.fixture(scope="module")
def project(
    beltline: Beltline, database: Database, tmp_path_factory: pytest.TempPathFactory
) -> Project:
    """A project on the database, run once."""
    project = Project(beltline, tmp_path_factory.mktemp("queries"), {DATABASE: database.url})
    result = project("init", "--query", QUERY, "--label", "scrap", "--name", "casting")
    assert result.code == 0, result.text
    result = project("run", *QUICK)
    assert result.code == 0, result.text
    return project


def examples(project: Project) -> dict[str, object]:
    lineage = Lineage(f"sqlite:///{project.root}/metadata.sqlite", "casting")
    found = lineage.node(lineage.runs()[-1], "ExampleGen")
    assert found is not None
    return dict(found.outputs["examples"][0]["properties"])


def rows(project: Project) -> int:
    found = examples(project)
    return sum(int(str(found[f"rows_{split}"])) for split in ("train", "validation", "eval"))


def test_a_model_is_served_and_says_of_which_rows_it_is(project: Project) -> None:
    assert project.versions() == ["1"]
    assert rows(project) == ROWS
    [version] = json.loads(project("models", "--json").out)
    assert version["digests"]["data"] == examples(project)["data_digest"]


def test_nothing_changed_is_seen_at_once(project: Project) -> None:
    result = project("run", *QUICK)
    assert result.code == 0 and "no changes since run" in result.out, result.text


def test_what_is_there_is_checked_beforehand(project: Project) -> None:
    result = project("check", "local")
    assert result.code == 0, result.text
    for override, says in (
        ("data.query=SELECT 1 AS one", "no column 'scrap' in the result of data.query"),
        ("data.query=SELECT * FROM nowhere", "data.query: "),
        ("data.query=SELECT :span", "so the span must be given"),
        ("data.path=parts.csv", "can't be combined with `source: sql`"),
    ):
        refused = project("run", "--set", override)
        assert refused.code == 2 and says in refused.err, refused.text


def test_a_row_that_has_changed_makes_another_run(project: Project, database: Database) -> None:
    assert states(project("run", *TO_THE_DATA)) == {"ExampleGen": "cached"}
    database.execute("CREATE TABLE kept AS SELECT * FROM parts")
    database.execute("DELETE FROM parts WHERE day = '2026-11-22'")
    assert states(project("run", *TO_THE_DATA)) == {"ExampleGen": "done"}
    assert rows(project) == ROWS - 800
    database.execute("DELETE FROM parts", "INSERT INTO parts SELECT * FROM kept ORDER BY day DESC")
    assert states(project("run", *TO_THE_DATA)) == {"ExampleGen": "cached"}


def test_a_part_for_each_run(project: Project, database: Database) -> None:
    day = ":span" if database.kind == "sqlite" else "CAST(:span AS DATE)"
    query = ("--set", f"data.query={QUERY} WHERE day = {day}")
    result = project("run", *TO_THE_DATA, *query, "--set", "data.span=2026-11-23")
    assert states(result) == {"ExampleGen": "done"}, result.text
    assert rows(project) == 400
    assert examples(project)["span"] == 20780
    result = project("run", *TO_THE_DATA, *query, "--set", "data.span=2026-11-24")
    assert result.code == 2
    assert "no data for span 2026-11-24" in result.err


def test_another_query_may_tell_that_nothing_changed(project: Project, database: Database) -> None:
    changed = ("--set", "data.changed_by=SELECT count(*) FROM parts")
    assert states(project("run", *TO_THE_DATA, *changed)) == {"ExampleGen": "done"}
    database.execute("UPDATE parts SET day = '2026-11-22'")
    assert states(project("run", *TO_THE_DATA, *changed)) == {"ExampleGen": "cached"}


def test_without_the_variable_it_is_asked_for(project: Project) -> None:
    other = Project(project.beltline, project.folder)
    refused = other("run")
    assert refused.code == 2
    assert "BELTLINE_DATABASE is not set" in refused.err


def test_the_password_is_in_no_file(project: Project, database: Database) -> None:
    if database.kind == "sqlite":
        pytest.skip("a file has no password")
    wrong = database.url.replace("/beltline", "/nowhere")
    failed = Project(project.beltline, project.folder, {DATABASE: wrong})("run")
    assert failed.code == 2 and "can't be opened" in failed.err
    for spelling in (PASSWORD, PASSWORD.partition("@")[0]):
        assert spelling not in failed.text
        for path in project.folder.rglob("*"):
            assert not path.is_file() or spelling.encode() not in path.read_bytes(), path


def test_init_wants_files_or_a_query(project: Project, tmp_path: Path) -> None:
    for given, says in (
        ((), "specify either DATA or --query"),
        (("parts.csv", "--query", QUERY), "specify either DATA or --query"),
        (("--query", QUERY), "--query requires --name"),
        (("--query", "SELEC", "--name", "a"), "data.query: "),
    ):
        refused = project("init", *given, "--label", "scrap", "-o", tmp_path)
        assert refused.code == 2 and says in refused.err, refused.text
    assert not list(tmp_path.iterdir())
