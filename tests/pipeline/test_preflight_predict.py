"""What preflight says of the section `predict`."""

import os

import pytest

from beltline.base.errors import WrongInput
from beltline.pipeline.preflight import check, check_definition
from beltline.pipeline.settings.reading import read_project
from tests.pipeline.components.small import write

ROWS = "part,temp,hour,mold\np1,200,1,A\np2,201,2,B\n"
PREDICT = "predict={{path: {}, output: {}}}"


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """A project with new rows in a file of their own."""
    monkeypatch.delenv("BELTLINE_ROOT", raising=False)
    monkeypatch.delenv("BELTLINE_DATA", raising=False)
    write(tmp_path)
    (tmp_path / "new.csv").write_text(ROWS)
    return tmp_path


def project(folder, path="new.csv", output="p.csv", *overrides):
    return read_project(folder / "pipeline.yaml", [PREDICT.format(path, output), *overrides])


def wrong(folder, *given, by=check):
    with pytest.raises(WrongInput) as caught:
        by(project(folder, *given))
    return str(caught.value).replace(f"{folder}{os.sep}", "")


def test_where_it_is_published(folder, monkeypatch):
    assert check(project(folder)).predictions == folder / ".beltline" / "p.csv"
    monkeypatch.setenv("BELTLINE_ROOT", str(folder / "root"))
    assert check(project(folder)).predictions == folder / "root" / "p.csv"
    (folder / "2026-11-23.csv").write_text(ROWS)
    dated = project(folder, "'{YYYY}-{MM}-{DD}.csv'", "'out/{SPAN}.csv'")
    assert check(dated).predictions == folder / "root" / "out" / "2026-11-23.csv"
    assert check(read_project(folder / "pipeline.yaml")).predictions is None


def test_the_digest_changes_with_the_rows(folder):
    before = check(project(folder)).inputs_digest
    assert check(project(folder)).inputs_digest == before
    assert check(read_project(folder / "pipeline.yaml")).inputs_digest != before
    (folder / "new.csv").write_text(ROWS + "p3,202,3,A\n")
    assert check(project(folder)).inputs_digest != before


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (("nw.csv",), "pipeline.yaml: predict.path: nw.csv: no such file or folder"),
        (("empty",), "pipeline.yaml: predict.path: empty: no data files found there"),
        (("note.txt",), "pipeline.yaml: predict.path: note.txt: the format of 'note.txt' is not"),
        (("zero.csv",), "pipeline.yaml: predict.path: zero.csv: "),
        (
            ("other.csv",),
            "pipeline.yaml: predict.path: no column 'mold' in other.csv; did you mean 'mould'?",
        ),
        (
            ("new.csv", "p.csv", "predict.keep=[parts]"),
            "pipeline.yaml: predict.keep: no column 'parts' in new.csv; did you mean 'part'?",
        ),
        (
            ("'{SPAN}.csv'", "p.csv", "predict.span=8"),
            "pipeline.yaml: predict.span: no data for span 8 in {SPAN}.csv; there are: 7",
        ),
        (
            ("'{SPAN}.csv'", "p.csv", "predict.span=2026-11-23"),
            "predict.span '2026-11-23': predict.path {SPAN}.csv needs a number",
        ),
        (("'{YYYY}.csv'",), "predict.path {YYYY}.csv: lacks {MM}, {DD}"),
        (("new.csv", "'p-{SPAN}.csv'"), "predict.output: p-{SPAN}.csv contains {SPAN}, but the ro"),
        (("new.csv", "../new.csv"), "predict.output: .beltline/../new.csv is the file of predict"),
        (("'n*.csv'", "../p.csv"), "would be read as rows by the next run"),
        (("new.csv", "artifacts/p.csv"), "where Beltline keeps its own files"),
        (("new.csv", "served/p.csv"), "where Beltline keeps its own files"),
        (("new.csv", "../note.txt/p.csv"), "predict.output: "),
    ],
)
def test_what_is_wrong_is_found_before_anything_runs(folder, given, message):
    (folder / "empty").mkdir()
    for name in ("note.txt", "zero.csv"):
        (folder / name).touch()
    (folder / "other.csv").write_text(ROWS.replace("mold", "mould"))
    (folder / "7.csv").write_text(ROWS)
    assert message in wrong(folder, *given)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (("new.csv", "'p-{SPAN}.csv'"), "predict.output: p-{SPAN}.csv contains {SPAN}"),
        (("new.csv", "runs/p.csv"), "where Beltline keeps its own files"),
        (("new.csv", "other/p.csv", "push.directory=other"), "where Beltline keeps its own files"),
    ],
)
def test_some_of_it_is_found_where_there_are_no_rows_yet(folder, given, message):
    """As for an orchestrator, whose root and data are on another machine."""
    (folder / "new.csv").unlink()
    assert message in wrong(folder, *given, by=check_definition)
    for output in ("p.csv", "../artifacts/p.csv", "/artifacts/p.csv"):
        check_definition(project(folder, "new.csv", output))


def test_a_query(folder, monkeypatch):
    import sqlite3

    with sqlite3.connect(folder / "rows.db") as database:
        database.execute("CREATE TABLE new (part TEXT, temp REAL, hour INTEGER, mold TEXT)")
    monkeypatch.setenv("BELTLINE_DATABASE", f"sqlite:///{folder / 'rows.db'}")
    settings = folder / "pipeline.yaml"
    query = "predict={{source: sql, query: {}, output: p.csv}}"
    assert check(read_project(settings, [query.format("SELECT * FROM new")])).predictions
    for text, message in (
        ("SELECT * FROM nowhere", "predict.query: "),
        ("SELECT temp FROM new", "predict.query: no column 'hour' in its result (temp)"),
        ("'SELECT :span AS temp'", "predict.span 'latest': predict.query contains :span"),
    ):
        with pytest.raises(WrongInput) as caught:
            check(read_project(settings, [query.format(text)]))
        assert f"{settings}: {message}" in str(caught.value)
