import json

import pytest
from tensorflow_metadata.proto.v0 import statistics_pb2

from beltline.runners.metadata.store import Lineage
from beltline.runners.report.transformed import transformed, unknown
from tests.runners.projects import Ledger, paths

OURS = "beltline.models.preprocessing.preprocessing_fn"
FEATURES = {
    "columns": {"mold": "text", "made": "text", "year": "integer", "heat": "number", "ü": "text"},
    "numeric": ["year", "heat"],
    "categorical": ["ü", "mold", "year"],
    "timestamps": {"made": ["hour", "age"]},
    "label": "bad",
    "task": "binary",
    "classes": ["ok", "scrap"],
    "domains": {"mold": ["M01", "M02"]},
    "numbers": "quantile",
    "vocabulary_size": 10,
    "out_of_vocabulary_buckets": 2,
}

LEARNT = b"0;\n0:a:b\n0:\xc3\xa4\n0:\xff\n1;\n1:7\n;\n"


def feature(name, **counts):
    made = statistics_pb2.FeatureNameStatistics(name=name, type="STRING")
    made.string_stats.unique = len(counts)
    for label, rows in counts.items():
        made.string_stats.rank_histogram.buckets.add(label=label, sample_count=rows)
    return made


def did(folder, custom_config, name=OURS, made=True, learnt=LEARNT):
    """What a report says of a Transform that learnt the categories of `ü` and `year`."""
    assets = folder / "graph" / "transform_fn" / "assets"
    assets.mkdir(parents=True)
    if learnt:
        (assets / "categories").write_bytes(learnt)
    split = folder / "statistics" / "Split-eval"
    split.mkdir(parents=True)
    table = statistics_pb2.DatasetFeatureStatistics(features=[feature("mold", M01=6, M09=2)])
    found = statistics_pb2.DatasetFeatureStatisticsList(datasets=[table])
    (split / "FeatureStats.pb").write_bytes(found.SerializeToString())
    ledger = Ledger(paths(folder).metadata)
    ledger.run("r1")
    counted = {"statistics": ("ExampleStatistics", {"uri": str(folder / "statistics")})}
    ledger.node("r1", "StatisticsGen", outputs=counted)
    graph = {"transform_graph": ("TransformGraph", {"uri": str(folder / "graph")})}
    given = {"custom_config": custom_config, "preprocessing_fn": name}
    ledger.node("r1", "Transform", outputs=graph if made else {}, **given)
    lineage = Lineage(paths(folder).metadata, "line")
    return transformed(lineage, {each.node: each for each in lineage.nodes("r1")})


def test_what_each_column_becomes(tmp_path):
    found = did(tmp_path, json.dumps({"features": FEATURES}))
    columns = {each["column"]: each for each in found["columns"]}
    assert list(columns) == list(FEATURES["columns"])
    assert (columns["heat"]["number"], columns["heat"]["category"]) == (True, None)
    assert columns["made"]["parts"] == ["hour", "age"]
    assert columns["mold"]["category"] == {
        "values": 2,
        "listed": True,
        "top": ["M01", "M02"],
        "unknown": 0.25,
    }
    # Learnt values keep their order, and one with a colon is whole.
    assert columns["ü"]["category"]["top"] == ["a:b", "ä", "\ufffd"]
    # It is the second that was learnt; TFDV has no ranks of it.
    year = {"values": 1, "listed": False, "top": ["7"], "unknown": None}
    assert (columns["year"]["number"], columns["year"]["category"]) == (True, year)
    assert found["label"] == {"column": "bad", "task": "binary", "classes": ["ok", "scrap"]}
    assert (found["numbers"], found["out_of_vocabulary_buckets"]) == ("quantile", 2)


@pytest.mark.parametrize(
    ("name", "config"), [("mine.preprocessing_fn", {"features": FEATURES}), (OURS, {})]
)
def test_a_function_of_the_users_is_only_named(tmp_path, name, config):
    assert did(tmp_path, json.dumps(config), name) == {"preprocessing_fn": name}


def test_one_that_failed_did_nothing(tmp_path):
    assert did(tmp_path, json.dumps({"features": FEATURES}), made=False) == {}


def test_without_the_file_of_learnt_values_there_are_none(tmp_path):
    found = did(tmp_path, json.dumps({"features": FEATURES}), learnt=None)
    columns = {each["column"]: each["category"] for each in found["columns"]}
    assert (columns["ü"]["values"], columns["ü"]["top"]) == (0, [])
    assert columns["mold"]["values"] == 2


def test_unknown_is_a_share_of_all_values_or_none():
    assert unknown(feature("mold", A=3, B=1), ["A"]) == 0.25
    assert unknown(feature("mold", A=3), ["A", "B"]) == 0.0
    cut = feature("mold", A=3)
    cut.string_stats.unique = 2
    assert unknown(cut, ["A"]) is None
    assert unknown(feature("mold"), ["A"]) is None
    assert unknown(None, ["A"]) is None
    numbers = statistics_pb2.FeatureNameStatistics(name="n", type="INT")
    numbers.num_stats.mean = 1.0
    assert unknown(numbers, ["1"]) is None
