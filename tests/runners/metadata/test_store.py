import fcntl
import sqlite3
from concurrent.futures import ThreadPoolExecutor

import pytest

from beltline.base.database_url import sqlite_file
from beltline.base.errors import WrongInput
from beltline.runners.metadata.store import (
    BUNDLE,
    REASON,
    Lineage,
    connection_config,
    first,
    open_exclusively,
)
from beltline.runners.paths import Paths
from tests.runners.projects import Ledger


@pytest.fixture
def url(tmp_path):
    return f"sqlite:///{tmp_path / 'meta' / 'data.sqlite'}"


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


def test_an_empty_store_has_no_runs(url):
    assert Lineage(url, "line").runs() == []
    assert Lineage(url, "line").nodes("r1") == []
    assert Lineage(url, "line").node("r1", "Trainer") is None


def test_runs_come_in_the_order_of_their_start(url):
    ledger = Ledger(url)
    for run in ("z", "a", "m"):
        ledger.run(run)
    ledger.run("no run", kind="pipeline")
    assert Lineage(url, "line").runs() == ["z", "a", "m"]


def test_pipelines_that_share_a_store_do_not_see_each_other(url):
    ours, theirs = Ledger(url, "line"), Ledger(url, "line2")
    ours.run("both")
    ours.node("both", "Trainer")
    theirs.run("both")
    running = theirs.node("both", "Trainer", "RUNNING")
    theirs.run("alone")
    assert Lineage(url, "line").runs() == ["both"]
    assert Lineage(url, "line2").runs() == ["both", "alone"]
    assert Lineage(url, "third").runs() == []
    assert [node.node for node in Lineage(url, "line").nodes("both")] == ["Trainer"]
    assert Lineage(url, "line2").node("both", "Trainer").execution_id == running
    assert Lineage(url, "third").nodes("both") == []


def test_a_node_with_its_outputs(url):
    ledger = Ledger(url)
    ledger.run("r1")
    blessing = ("ModelBlessing", {"blessed": 0, "reason": "too bad"})
    number = ledger.node(
        "r1",
        "Evaluator",
        outputs={"evaluation": ("ModelEvaluation", {}), "blessing": blessing},
        **{REASON: "why", BUNDLE: "b1"},
    )
    [node] = Lineage(url, "line").nodes("r1")
    assert (node.node, node.state, node.execution_id) == ("Evaluator", "complete", number)
    assert (node.reason, node.bundle) == ("why", "b1")
    assert 0 <= node.ended - node.started < 5
    assert node.outputs["blessing"][0]["uri"] == "/artifacts/blessing"
    assert first(node.outputs, "ModelBlessing") == {"blessed": 0, "reason": "too bad"}
    assert first(node.outputs, "ModelEvaluation") == {}
    assert first(node.outputs, "PushedModel") is None


def test_the_latest_try_of_a_node_counts(url):
    ledger = Ledger(url)
    ledger.run("r1")
    ledger.node("r1", "Trainer", "FAILED")
    ledger.node("r1", "Pusher", "FAILED")
    ledger.node("r1", "Trainer", "COMPLETE")
    lineage = Lineage(url, "line")
    assert [node.node for node in lineage.nodes("r1")] == ["Trainer", "Pusher", "Trainer"]
    assert lineage.node("r1", "Trainer").state == "complete"


def test_only_what_has_not_ended_is_marked_failed(url):
    ledger = Ledger(url)
    ledger.run("r1")
    states = ["RUNNING", "NEW", "COMPLETE", "CACHED", "CANCELED"]
    lineage = Lineage(url, "line")
    for state in states:
        lineage.fail(ledger.node("r1", state, state), "killed")
    found = {node.node: (node.state, node.reason) for node in lineage.nodes("r1")}
    assert found["RUNNING"] == found["NEW"] == ("failed", "killed")
    assert found["COMPLETE"] == ("complete", "")
    assert found["CACHED"] == ("cached", "")
    assert found["CANCELED"] == ("canceled", "")


def test_what_had_nothing_to_do_is_canceled_with_its_reason(url):
    ledger = Ledger(url)
    ledger.run("r1")
    lineage = Lineage(url, "line")
    lineage.cancel(ledger.node("r1", "ExampleGen", "RUNNING"), "no data")
    node = lineage.node("r1", "ExampleGen")
    assert (node.state, node.reason) == ("canceled", "no data")


def test_nodes_open_the_store_one_after_the_other(tmp_path):
    root = tmp_path / "root"
    paths = Paths.from_environment(root)
    root.mkdir()
    with (root / "metadata.lock").open("w") as held, ThreadPoolExecutor() as pool:
        fcntl.flock(held, fcntl.LOCK_EX)
        opening = pool.submit(open_exclusively, paths, "line")
        with pytest.raises(TimeoutError):
            opening.result(0.3)
        assert not (root / "metadata.sqlite").exists()
        fcntl.flock(held, fcntl.LOCK_UN)
        assert opening.result(10).runs() == []


def test_a_root_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "root").touch()
    with pytest.raises(WrongInput, match="root is not writable"):
        open_exclusively(Paths.from_environment(tmp_path / "root"), "line")


def test_what_is_written_to_an_execution_stays_with_the_rest(url):
    ledger = Ledger(url)
    ledger.run("r1")
    lineage = Lineage(url, "line")
    number = ledger.node("r1", "Trainer", "RUNNING", **{REASON: "slow"})
    lineage.annotate(number, **{BUNDLE: "b1"})
    node = lineage.node("r1", "Trainer")
    assert (node.reason, node.bundle, node.state) == ("slow", "b1", "running")
