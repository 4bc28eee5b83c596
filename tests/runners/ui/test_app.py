import json

import pytest

from tests.runners.projects import Ledger


def test_without_a_run_the_page_says_how_to_start_one(client):
    shown = client.get("/")
    assert shown.status_code == 200
    assert "No runs yet; start one with <code>beltline run</code>" in shown.text


def test_runs_are_listed_and_filtered(client, paths):
    ledger = Ledger(paths.metadata)
    for run, state in (("good", "COMPLETE"), ("bad", "FAILED")):
        ledger.run(run)
        ledger.node(run, "Trainer", state, beltline_bundle="0123456789abcdef")
    every = client.get("/").text
    assert '<a href="/runs/good">good</a></th>' in every
    assert '<span class="state failed">failed</span>' in every
    assert "<code>0123456789ab</code>" in every
    assert "2 runs" in every
    some = client.get("/", params={"state": "failed"}).text
    assert "1 of 2 runs" in some
    assert '<a href="/runs/good">good</a></th>' not in some
    assert "<option selected>failed</option>" in some
    assert "None of 2 runs matches" in client.get("/", params={"text": "zzz"}).text


def test_what_runs_and_people_write_is_no_markup(client, paths):
    ledger = Ledger(paths.metadata)
    ledger.run("<script>alert(1)</script>")
    shown = client.get("/", params={"text": '"><script>'}).text
    assert "<script>" not in shown + client.get("/").text
    assert "&lt;script&gt;alert(1)" in client.get("/").text


def test_pages_lead_to_each_other(client, paths):
    ledger = Ledger(paths.metadata)
    for number in range(51):
        ledger.run(f"r{number}")
    first, second = client.get("/").text, client.get("/?page=2").text
    assert "51 runs, page 1 of 2" in first
    assert 'href="?page=2">Older' in first
    assert "Newer" not in first
    assert 'href="?page=1">Newer' in second
    assert "Older" not in second


def test_the_styles_are_ours_and_nothing_is_inline(client):
    shown = client.get("/").text
    assert "<style" not in shown
    assert "style=" not in shown
    assert "http" not in shown.replace("http-equiv", "")
    assert client.get("/static/style.css").headers["content-type"].startswith("text/css")


@pytest.mark.parametrize(
    "path", ["/nothing", "/static/../app.py", "/static/%2e%2e/app.py", "/static/none.css"]
)
def test_what_is_not_there_is_not_found(client, path):
    shown = client.get(path)
    assert (shown.status_code, "<h1>Not Found</h1>" in shown.text) == (404, True)


def test_pages_are_only_read(client):
    assert client.post("/").status_code == 405


def test_a_database_that_cannot_be_opened_is_said(client, paths):
    paths.root.mkdir()
    (paths.root / "metadata.sqlite").write_text("no database, but a long line of text\n" * 99)
    shown = client.get("/")
    assert shown.status_code == 503
    assert "metadata.sqlite can&#39;t be opened" in shown.text


def test_a_database_that_breaks_off_is_said_until_it_is_back(client, paths):
    Ledger(paths.metadata).run("r1")
    assert client.get("/").status_code == 200
    file = paths.root / "metadata.sqlite"
    whole = file.read_bytes()
    file.write_bytes(b"no database" * 999)
    for path in ("/", "/runs/r1", "/runs/r1/report", "/compare?run=r1&run=r2"):
        shown = client.get(path)
        assert shown.status_code == 503
        assert "ML Metadata" in shown.text
        assert "SELECT" not in shown.text
    file.write_bytes(whole)
    assert "r1" in client.get("/").text


def test_without_the_token_no_page_is_seen(client):
    client.cookies.clear()
    for path in ("/", "/compare", "/static/style.css", "/nothing"):
        assert client.get(path).status_code == 403


def test_runs_are_compared(client, paths):
    ledger = Ledger(paths.metadata)
    for run, rows, epochs in (("r1", 80, 5), ("r2", 90, 7), ("r3", 80, 5)):
        ledger.run(run)
        ledger.node(run, "ExampleGen", outputs={"examples": ("Examples", {"rows_train": rows})})
        settings = json.dumps({"training": {"epochs": epochs, "batch": 32}})
        ledger.node(run, "Trainer", custom_config=settings)
    listed = client.get("/").text
    assert '<form action="/compare">' in listed
    assert 'name="run" value="r2" aria-label="Select r2"' in listed
    shown = " ".join(client.get("/compare?run=r1&run=r2").text.split())
    assert 'rows.train <span class="mark">differs</span> </th> <td>80</td> <td>90</td>' in shown
    assert "Trainer.custom_config.training.epochs" in shown
    assert "training.batch" not in shown
    assert "No model was evaluated in these runs" in shown
    assert (
        "The settings of the nodes that ran are the same"
        in client.get("/compare?run=r1&run=r3").text
    )


@pytest.mark.parametrize(
    ("query", "status", "said"),
    [
        ("", 400, "Select 2 to 12 runs"),
        ("run=r1", 400, "Select 2 to 12 runs"),
        ("run=r1&run=r1", 400, "Select 2 to 12 runs"),
        ("&".join(f"run={number}" for number in range(13)), 400, "Select 2 to 12 runs"),
        ("run=r1&run=%3Cb%3E", 404, "Run &lt;b&gt; not found"),
        ("run=r1&run=../r1", 404, "Run ../r1 not found"),
    ],
)
def test_what_cannot_be_compared_is_said(client, paths, query, status, said):
    Ledger(paths.metadata).run("r1")
    shown = client.get(f"/compare?{query}")
    assert (shown.status_code, said in shown.text) == (status, True)


def test_the_application_starts_and_stops_with_its_server(client):
    with client:
        assert client.get("/").status_code == 200
