import json
import math

from tensorflow_metadata.proto.v0 import statistics_pb2
from tensorflow_metadata.proto.v0.statistics_pb2 import FeatureNameStatistics as Feature
from tensorflow_metadata.proto.v0.statistics_pb2 import Histogram

from beltline.runners.report.statistics import columns_of, of_file, of_splits


def dataset(rows=10):
    return statistics_pb2.DatasetFeatureStatistics(num_examples=rows)


def with_numbers(made, name="temp", kind=Feature.FLOAT, **values):
    feature = made.features.add(type=kind)
    feature.path.step.append(name)
    numbers = feature.num_stats
    numbers.common_stats.num_missing = 3
    for key, value in {"mean": 1.5, "std_dev": 0.5, "min": 0.0, "max": 4.0, **values}.items():
        setattr(numbers, key, value)
    numbers.histograms.add(type=Histogram.QUANTILES).buckets.add(high_value=9, sample_count=9)
    numbers.histograms.add(type=Histogram.STANDARD).buckets.add(high_value=4, sample_count=7)
    return made


def with_texts(made, name="mold", values=("A",)):
    feature = made.features.add(type=Feature.STRING)
    feature.path.step.append(name)
    feature.string_stats.unique = len(values)
    for number, value in enumerate(values):
        feature.string_stats.top_values.add(value=value, frequency=9 - number)
    return made


def test_a_column_of_numbers_has_tfdv_s_own():
    [found] = columns_of({"train": with_numbers(dataset(), num_zeros=2, median=1.25)})
    assert found == {
        "column": "temp",
        "type": "number",
        "is_label": False,
        "of": {
            "train": {
                "rows": 10,
                "missing": 3,
                "unique": None,
                "mean": 1.5,
                "deviation": 0.5,
                "least": 0.0,
                "median": 1.25,
                "greatest": 4.0,
                "zeros": 2,
                "buckets": [[0.0, 4.0, 7.0]],
            }
        },
    }


def test_a_column_of_texts_has_its_most_frequent_values():
    [found] = columns_of({"train": with_texts(dataset(), values="ABCDEFGHIJ")})
    assert found["type"] == "text"
    assert found["of"]["train"]["unique"] == 10
    assert found["of"]["train"]["top"][:2] == [["A", 9], ["B", 8]]
    assert len(found["of"]["train"]["top"]) == 8


def test_the_label_is_first_and_a_column_is_where_it_is():
    train = with_texts(with_numbers(with_numbers(dataset()), "whole", Feature.INT), "bad")
    sources = {"train": train, "eval": with_numbers(dataset(4)), "live": with_numbers(dataset(5))}
    found = columns_of(sources, "bad")
    assert [each["column"] for each in found] == ["bad", "temp", "whole"]
    assert [each["type"] for each in found] == ["text", "number", "whole number"]
    assert list(found[1]["of"]) == ["train", "eval", "live"]
    assert [each["rows"] for each in found[1]["of"].values()] == [10, 4, 5]
    assert list(found[2]["of"]) == ["train"]


def test_a_column_that_only_the_live_version_had_is_left_out():
    sources = {"train": with_numbers(dataset()), "live": with_numbers(dataset(), "gone")}
    assert [each["column"] for each in columns_of(sources)] == ["temp"]


def test_what_is_no_number_is_json_all_the_same():
    made = with_numbers(dataset(), mean=math.nan, max=math.inf)
    made.features[0].num_stats.histograms[1].buckets.add(high_value=math.inf, sample_count=1)
    [found] = columns_of({"train": made})
    of = found["of"]["train"]
    assert (of["mean"], of["greatest"], len(of["buckets"])) == (None, None, 1)
    json.dumps(found, allow_nan=False)


def test_a_column_without_any_value():
    made = dataset()
    made.features.add(name="empty")
    [found] = columns_of({"train": made})
    assert found["of"]["train"] == {"rows": 10, "missing": 10, "unique": None, "top": []}


def test_the_statistics_of_each_split_that_is_there(tmp_path):
    for split, rows in (("train", 7), ("validation", 1), ("eval", 2)):
        folder = tmp_path / f"Split-{split}"
        folder.mkdir()
        written = statistics_pb2.DatasetFeatureStatisticsList(datasets=[dataset(rows)])
        (folder / "FeatureStats.pb").write_bytes(written.SerializeToString())
    found = of_splits(tmp_path)
    assert {split: each.num_examples for split, each in found.items()} == {"train": 7, "eval": 2}
    (tmp_path / "Split-eval" / "FeatureStats.pb").write_bytes(b"\xff\xff broken")
    assert list(of_splits(tmp_path)) == ["train"]
    (tmp_path / "Split-train" / "FeatureStats.pb").unlink()
    assert of_splits(tmp_path) == {}


def test_a_file_without_a_data_set(tmp_path):
    (tmp_path / "empty.pb").write_bytes(b"")
    assert of_file(tmp_path / "empty.pb") is None
