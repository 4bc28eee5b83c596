import shutil

import pyarrow as pa
import pytest

from beltline.base.errors import WrongInput
from tests.api.conftest import VALUE


def test_the_numbers_are_those_of_the_artifact(root, folder):
    found = root.runs["r1"].statistics
    train = found.train
    file = folder / "statistics/Split-train/FeatureStats.pb"
    assert train.proto.SerializeToString() == file.read_bytes()
    assert (train.rows, found.eval.rows) == (70, 30)
    temp = train.frame.loc["temp"]
    assert (temp["type"], temp["missing"], temp["mean"], temp["median"]) == ("number", 3, 1.5, 1.25)
    mold = train.frame.loc["mold"]
    assert (mold["unique"], mold["top"][0]) == (11, [VALUE, 9])
    assert repr(found) == (
        "<Statistics of train: 70 rows, 2 columns>\n<Statistics of eval: 30 rows, 2 columns>"
    )


def test_arrow_has_the_same(root):
    table = root.runs["r1"].statistics.train.table
    assert isinstance(table, pa.Table)
    [temp, mold] = table.to_pylist()
    assert (temp["column"], temp["greatest"], temp["top"]) == ("temp", 4.0, None)
    assert mold["top"][0] == {"value": VALUE, "rows": 9}


def test_a_notebook_sees_escaped_text(root):
    statistics = root.runs["r1"].statistics
    for shown in (statistics._repr_html_(), statistics.train._repr_html_()):
        assert "<b>Ü" not in shown
        assert "Ü" in shown


def test_what_is_not_there_says_why(root, folder):
    with pytest.raises(WrongInput, match=r"run r2 has no statistics of train\. .*StatisticsGen"):
        _ = root.runs["r2"].statistics.train
    run = root.runs["r1"]
    shutil.rmtree(folder / "statistics")
    assert not run.statistics
    with pytest.raises(WrongInput, match="no statistics of eval"):
        _ = run.statistics.eval


def test_anomalies_are_those_of_the_artifact(root):
    found = root.runs["r2"].anomalies
    assert [each["column"] for each in found] == ["mold"]
    assert found[0]["blocks"] and found[0]["splits"] == ["train"]
    assert list(found.frame["what"]) == [f"Unexpected string values: new: {VALUE}"]
    assert repr(found) == f"mold: Unexpected string values: new: {VALUE} (refused, train)"
    assert "<b>Ü" not in found._repr_html_() and "refused" in found._repr_html_()


def test_no_anomalies(root):
    found = root.runs["r1"].anomalies
    assert (len(found), repr(found), found.frame.empty) == (0, "no anomalies", True)
    assert "No anomalies" in found._repr_html_()
