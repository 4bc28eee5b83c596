"""ML Metadata on a real PostgreSQL and a real MariaDB, through the node runner."""

import json
from pathlib import Path

import pytest
from ml_metadata.proto import metadata_store_pb2 as pb

from beltline.runners.metadata.store import BUNDLE, Lineage
from tests.beltline_process import Beltline, Result
from tests.databases import PASSWORD, Server
from tests.end_to_end.projects import QUICK, Project, casting
from tests.runners.projects import Ledger

pytestmark = pytest.mark.slow

# ML Metadata keeps to itself what MariaDB has said.
REFUSALS = ("authentication failed", "are user, password and database correct?")


@pytest.fixture(scope="module", params=["postgresql", "mariadb"])
def server(request: pytest.FixtureRequest) -> Server:
    return request.getfixturevalue(request.param)


@pytest.fixture(scope="module")
def project(
    beltline: Beltline, server: Server, tmp_path_factory: pytest.TempPathFactory
) -> Project:
    """A project whose first nodes have run, with their metadata on the server."""
    project = casting(beltline, tmp_path_factory.mktemp("databases"), rows=500)
    project.env["BELTLINE_METADATA"] = server.database()
    result = project("run", *QUICK, "--to", "StatisticsGen")
    assert result.code == 0, result.text
    return project


def node(project: Project, node: str, run: str, *more: str, url: str = "") -> Result:
    """Runs a node as an orchestrator does."""
    [bundle] = (project.root / "bundles").iterdir()
    paths = {"BELTLINE_ROOT": str(project.root), "BELTLINE_DATA": str(project.folder)}
    return project.beltline(
        *("--bundle", bundle, "--node", node, "--run", run, *more),
        cwd=project.folder,
        env=project.env | paths | ({"BELTLINE_METADATA": url} if url else {}),
        program="beltline.runners.node.run",
    )


def lineage(project: Project) -> Lineage:
    return Lineage(project.env["BELTLINE_METADATA"], "casting")


def test_the_lineage_of_a_local_run(project: Project) -> None:
    assert not (project.root / "metadata.sqlite").exists()
    [run] = lineage(project).runs()[:1]
    found = lineage(project).nodes(run)
    assert [(each.node, each.state) for each in found] == [
        ("ExampleGen", "complete"),
        ("StatisticsGen", "complete"),
    ]
    examples = Path(found[0].outputs["examples"][0]["uri"])
    assert list(examples.glob("Split-train/*"))


def test_the_lineage_of_nodes_that_are_run_one_by_one(project: Project) -> None:
    assert node(project, "ExampleGen", "alone").code == 0
    assert node(project, "Schema", "alone").code == 0
    forced = node(project, "StatisticsGen", "alone", "--force")
    assert forced.code == 0, forced.text
    found = {each.node: each for each in lineage(project).nodes("alone")}
    assert {name: each.state for name, each in found.items()} == {
        "ExampleGen": "cached",
        "Schema": "complete",
        "StatisticsGen": "complete",
    }
    said = json.loads(forced.out.splitlines()[-1])
    assert said["execution_id"] == found["StatisticsGen"].execution_id
    assert (
        found["StatisticsGen"].outputs["statistics"][0]["uri"]
        == (said["outputs"]["statistics"][0]["uri"])
    )


# The last two are what PostgreSQL's backend would send as SQL, were they not kept from it.
TEXTS = [
    r"back\slash",
    '{"a": "\\n"}',
    "it's",
    'say "so"',
    "Łódź 東京 🙂",
    "100 %",
    r"\'",
    "x, y); --\\",
]


@pytest.mark.parametrize("text", TEXTS)
def test_any_text_comes_back_as_it_was(server: Server, text: str) -> None:
    url = server.database()
    ledger = Ledger(url)
    ledger.run("r1")
    number = ledger.node("r1", "Trainer", "RUNNING", **{BUNDLE: text})
    lineage = Lineage(url, "line")
    lineage.fail(number, text)
    [node] = lineage.nodes("r1")
    assert (node.bundle, node.reason, node.state) == (text, text, "failed")


def test_what_is_looked_up_comes_in_the_order_of_the_ids(server: Server) -> None:
    """TFX pairs the outputs of a cached node with their names by it."""
    store = Ledger(server.database()).store
    kind = store.put_artifact_type(pb.ArtifactType(name="Kind"))
    ids = store.put_artifacts([pb.Artifact(type_id=kind, uri=str(number)) for number in range(6)])
    for number in (4, 0):
        [changed] = store.get_artifacts_by_id([ids[number]])
        changed.uri = "changed"
        store.put_artifacts([changed])
    assert [each.id for each in store.get_artifacts_by_id(ids)] == ids


def test_a_wrong_password_is_said_and_not_shown(project: Project) -> None:
    url = project.env["BELTLINE_METADATA"]
    account, _, rest = url.rpartition("@")
    result = node(project, "ExampleGen", "wrong", url=f"{account}mistyped@{rest}")
    assert result.code != 0
    said = said_without_password(result)
    assert "can't be opened" in said and f":…@{rest}" in said
    assert any(refusal in said for refusal in REFUSALS), said


def test_a_server_that_has_stopped_is_said(server: Server, project: Project) -> None:
    server.stop()
    try:
        result = node(project, "ExampleGen", "stopped")
    finally:
        server.start()
    assert result.code != 0
    said = said_without_password(result)
    assert "can't be opened" in said and str(server.port) in said
    assert node(project, "ExampleGen", "back").code == 0


def said_without_password(result: Result) -> str:
    """What a node says that has failed: one message, without the password in any spelling."""
    for spelling in (PASSWORD, PASSWORD.partition("@")[0]):
        assert spelling not in result.text
    assert "Traceback" not in result.text
    return result.text
