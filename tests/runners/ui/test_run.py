import pytest

from beltline.bundle.folder import write
from beltline.runners.metadata.store import BUNDLE, REASON
from tests.bundle import bundles
from tests.runners import projects
from tests.runners.projects import Ledger


@pytest.fixture
def paths(tmp_path):
    """A run whose Trainer has failed, with its log."""
    paths = projects.paths(tmp_path)
    digest = {BUNDLE: write(paths.bundles, bundles.manifest(), b"", b"").manifest.digest}
    ledger = Ledger(paths.metadata)
    ledger.run("r1")
    made = {"examples": ("Examples", {"rows_train": 80})}
    maker = ledger.node("r1", "ExampleGen", outputs=made, **digest)
    reader = ledger.node("r1", "Trainer", "FAILED", **digest, **{REASON: "no <memory>"})
    ledger.reads(reader, "examples", maker)
    log = paths.log("r1", "Trainer")
    log.parent.mkdir(parents=True)
    log.write_text("epoch 1 <b>\n")
    return paths


def text(client, path):
    answer = client.get(path)
    assert answer.status_code == 200, answer.text
    return " ".join(answer.text.split())


def test_a_run_has_its_graph_and_the_node_that_failed(client):
    shown = text(client, "/runs/r1")
    assert shown.count("<rect ") == len(bundles.NODES)
    assert 'href="/runs/r1/nodes/ExampleGen#node" aria-label="ExampleGen: done 0.0 s"' in shown
    assert 'class="not-run" href="/runs/r1/nodes/Pusher#node" aria-label="Pusher: not run"' in shown
    assert shown.count(" aria-current=true") == 1
    assert '<h2 id="node-title">Trainer</h2>' in shown
    assert '<p class="problem">no &lt;memory&gt;</p>' in shown
    assert "epoch 1 &lt;b&gt;" in shown
    assert 'from <a href="/runs/r1/nodes/ExampleGen#node">ExampleGen</a>' in shown
    assert "data-running" not in shown


def test_any_node_is_shown_without_a_script(client):
    shown = text(client, "/runs/r1/nodes/ExampleGen")
    assert '<h2 id="node-title">ExampleGen</h2>' in shown
    assert "Properties of examples" in shown
    assert '<th scope="row">rows_train</th><td> 80 </td>' in shown
    assert "No log in this root" in shown
    assert "<style" not in shown
    assert "style=" not in shown
    assert "<script>" not in shown


def test_a_run_without_its_bundle_has_its_nodes_alone(client, paths):
    ledger = Ledger(paths.metadata)
    ledger.run("r2")
    ledger.node("r2", "Trainer")
    shown = text(client, "/runs/r2")
    assert "<svg" not in shown
    assert 'href="/runs/r2/nodes/Trainer#node"' in shown
    assert 'id="node"' not in shown
    ledger.run("r3")
    assert "No node of this run is known" in text(client, "/runs/r3")


@pytest.mark.parametrize("run", ["manual__2026-11-30T01:07:16+00:00", "a/b", "<i>?&#100%", "ä b"])
def test_runs_may_be_called_anything(client, paths, run):
    ledger = Ledger(paths.metadata)
    ledger.run(run)
    ledger.node(run, "Trainer", "RUNNING")
    [address] = [
        part.split('"')[0]
        for part in client.get("/").text.split('href="')
        if "/runs/" in part and "/runs/r1" not in part
    ]
    shown = text(client, address)
    assert "<i>" not in shown
    assert "data-running" in shown
    [follow] = [part.split('"')[0] for part in shown.split('data-address="') if "/log" in part[:99]]
    assert client.get(f"{follow}?from=0").json() == {
        "start": 0,
        "end": 0,
        "text": "",
        "more": False,
    }


def test_a_log_is_read_on(client, paths):
    log = "/runs/r1/nodes/Trainer/log"
    first = client.get(log).json()
    assert first == {"start": 0, "end": 12, "text": "epoch 1 <b>\n", "more": False}
    with paths.log("r1", "Trainer").open("a") as file:
        file.write("epoch 2\n")
    assert client.get(f"{log}?from=12").json()["text"] == "epoch 2\n"
    for bad in ("-1", "x", "²", "9" * 5000, ""):
        assert client.get(log, params={"from": bad}).json()["start"] == 0


def test_the_report_may_style_itself_and_do_nothing_else(client):
    shown = client.get("/runs/r1/report")
    assert shown.status_code == 200
    assert "<style>" in shown.text
    policy = shown.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "sandbox;" in policy
    assert "script-src" not in policy
    assert "frame-ancestors 'none'" in policy
    assert shown.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    "path",
    [
        "/runs/none",
        "/runs/none/report",
        "/runs/none/nodes/Trainer",
        "/runs/none/nodes/Trainer/log",
        "/runs/r1/nodes/None",
        "/runs/r1/nodes/None/log",
        "/runs/r1/nodes/..%2fr1%2fTrainer/log",
        "/runs/..%2flogs%2fr1/nodes/Trainer/log",
        "/runs/",
    ],
)
def test_only_what_is_known_is_looked_for(client, path):
    assert client.get(path).status_code == 404


def test_without_the_token_nothing_of_a_run_is_seen(client):
    client.cookies.clear()
    for path in ("/runs/r1", "/runs/r1/report", "/runs/r1/nodes/Trainer/log"):
        assert client.get(path).status_code == 403
