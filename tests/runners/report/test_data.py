"""The columns of a run beside the live version's, from a real ML Metadata and version folder."""

import pytest
from tensorflow_metadata.proto.v0 import statistics_pb2

from beltline.runners.metadata.store import Lineage
from beltline.runners.report.data import columns
from beltline.versions.live import promote
from beltline.versions.push import push
from tests.runners.projects import Ledger, paths
from tests.runners.report.test_statistics import dataset, with_texts


def pushed(folder, number, *values):
    """Pushes a version that was trained on these values."""
    model = folder / f"model-{number}"
    (model / "assets.extra").mkdir(parents=True)
    (model / "saved_model.pb").write_text(str(number))
    list_of = statistics_pb2.DatasetFeatureStatisticsList
    trained = list_of(datasets=[with_texts(dataset(), values=values)])
    (model / "assets.extra" / "statistics.pb").write_bytes(trained.SerializeToString())
    push(model, folder / "served" / "line", {"run": f"r{number}", "metrics": {}})


@pytest.fixture
def ledger(tmp_path):
    made = Ledger(paths(tmp_path).metadata)
    made.run("r1")
    for split, values in (("train", "AB"), ("eval", "A")):
        folder = tmp_path / "statistics" / f"Split-{split}"
        folder.mkdir(parents=True)
        found = with_texts(dataset(), values=values)
        list_of = statistics_pb2.DatasetFeatureStatisticsList(datasets=[found])
        (folder / "FeatureStats.pb").write_bytes(list_of.SerializeToString())
    statistics = ("ExampleStatistics", {"uri": str(tmp_path / "statistics")})
    made.node("r1", "StatisticsGen", outputs={"statistics": statistics})
    made.node("r1", "DataGate", label="mold")
    return made


def told(folder, version=""):
    lineage = Lineage(paths(folder).metadata, "line")
    nodes = {each.node: each for each in lineage.nodes("r1")}
    found = columns(lineage, nodes, folder / "served" / "line", version)
    return found.live, found.columns


def test_before_the_first_version(tmp_path, ledger):
    live, [mold] = told(tmp_path)
    assert (live, list(mold["of"]), mold["is_label"]) == ("", ["train", "eval"], True)


def test_beside_the_live_version(tmp_path, ledger):
    pushed(tmp_path, 1, "X")
    pushed(tmp_path, 2, "Y")
    live, [mold] = told(tmp_path)
    assert (live, mold["of"]["live"]["top"]) == ("2", [["Y", 9]])
    promote(tmp_path / "served" / "line", 1)
    live, [mold] = told(tmp_path)
    assert (live, mold["of"]["live"]["top"]) == ("1", [["X", 9]])


def test_beside_the_champion_where_the_run_s_own_is_live(tmp_path, ledger):
    pushed(tmp_path, 1, "X")
    pushed(tmp_path, 2, "Y")
    assert told(tmp_path, "2")[0] == ""
    champion = ("PushedModel", {"pushed_version": "1"})
    ledger.node("r1", "Champion", outputs={"pushed_model": champion})
    live, [mold] = told(tmp_path, "2")
    assert (live, mold["of"]["live"]["top"]) == ("1", [["X", 9]])


def test_a_version_without_statistics_is_no_comparison(tmp_path, ledger):
    pushed(tmp_path, 1, "X")
    (tmp_path / "served" / "line" / "1" / "assets.extra" / "statistics.pb").unlink()
    live, [mold] = told(tmp_path)
    assert (live, list(mold["of"])) == ("", ["train", "eval"])


def test_a_champion_that_is_gone_is_no_comparison(tmp_path, ledger):
    champion = ("PushedModel", {"pushed_version": "9"})
    ledger.node("r1", "Champion", outputs={"pushed_model": champion})
    assert told(tmp_path)[0] == ""
