import numpy as np
import pyarrow as pa

from beltline.serving.monitoring.counting import by_name, statistics_of, stats_impl
from beltline.serving.monitoring.novelty import novelty

NONE = np.empty(0)


def feature(values):
    return by_name(statistics_of(pa.table({"x": pa.array([[value] for value in values])})))["x"]


def test_categories_that_training_did_not_have():
    live = feature([b"A"] * 7 + [b"D"] + [b"C"] * 2)
    found = novelty(feature([b"A", b"B"] * 5), live, NONE, ())
    assert (found.new, found.rows, found.share, found.examples) == (3, 10, 0.3, ["C", "D"])


def test_values_in_the_schema_are_not_new():
    found = novelty(feature([b"A"] * 5), feature([b"B"] * 5), NONE, {"B"})
    assert found.new == 0


def test_only_some_of_many_are_named():
    live = feature([str(value).encode() for value in range(20)])
    found = novelty(feature([b"A"] * 5), live, NONE, ())
    assert (found.new, len(found.examples), found.examples[-1]) == (20, 6, "…")


def test_a_few_are_all_named_the_most_frequent_first():
    live = feature([b"C"] * 2 + [b"E", b"B", b"D", b"F", b"F", b"F"])
    found = novelty(feature([b"A"] * 5), live, NONE, ())
    assert found.examples[:2] == ["F", "C"]
    assert sorted(found.examples[2:]) == ["B", "D", "E"]
    numbers = np.array([3.0, 4.0, 5.0, 6.0, 7.0])
    found = novelty(feature([0.0, 1.0]), feature(numbers), numbers, ())
    assert found.examples == ["3", "4", "5", "6", "7"]


def test_only_what_was_seen_once_says_that_more_is_to_come():
    found = novelty(feature([b"A", b"B", b"B", b"C"]), feature([b"A"]), NONE, ())
    assert found.seen_once == 2


def test_numbers_out_of_the_range():
    live = np.array([0.0, 1.0, 2.0, 2.5, -7.0, -999.0, 9.0, 8.0, 10.0])
    found = novelty(feature([0.0, 1.0, 2.0]), feature(live), live, ())
    assert (found.new, found.examples) == (6, ["-999", "-7", "…", "9", "10"])


def test_values_that_were_seen_once_say_that_more_are_to_come():
    names = feature([str(value).encode() for value in range(500)])
    found = novelty(names, feature([b"other"] * 10), NONE, ())
    assert found.by_chance(0.001) == 1
    usual = novelty(feature([b"A"] * 500), feature([b"other"] * 10), NONE, ())
    assert usual.by_chance(0.001) < 0.2


def test_nothing_to_compare_with():
    some = feature([1.0])
    empty = by_name(statistics_of(pa.table({"x": pa.array([None, None], pa.list_(pa.float32()))})))
    assert novelty(empty["x"], some, np.array([1.0]), ()) is None
    assert novelty(some, empty["x"], NONE, ()) is None


def test_statistics_have_only_some_of_very_many_values():
    many = pa.RecordBatch.from_arrays([pa.array([[f"{n}".encode()] for n in range(3000)])], ["x"])
    found = stats_impl.generate_statistics_in_memory(many).datasets[0]
    assert novelty(by_name(found)["x"], feature([b"other"]), NONE, ()) is None
