"""The order of the rows: another one on each pass, and the same one for a pass's number."""

import types
from itertools import chain, islice
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from beltline.models.reading import Split, read_split

ROWS = 103


@pytest.fixture(params=["memory", "files"])
def split(request, monkeypatch):
    monkeypatch.setattr("beltline.models.reading.SHUFFLED", 40)
    column = tf.reshape(tf.range(ROWS * 2), [ROWS, 2])
    labels = np.arange(ROWS) * 10
    stream = tf.data.Dataset.from_tensor_slices(({"x": column}, labels)).batch(9)
    return Split(labels, {"x": column} if request.param == "memory" else None, stream)


def read(dataset):
    """The labels, batch by batch; each must stand beside its own inputs."""
    found = []
    for inputs, labels in dataset:
        assert (inputs["x"].numpy()[:, 0] * 5 == labels.numpy()).all()
        found.append(labels.numpy().tolist())
    return found


def rows(batches):
    return list(chain.from_iterable(batches))


def batches(split, **how):
    return read(split.batches(10, lambda inputs, labels: (inputs, labels), **how))


def test_without_a_seed_the_rows_keep_their_order(split):
    found = batches(split)
    assert rows(found) == split.labels.tolist()
    assert [len(each) for each in found] == [10] * 10 + [3]
    assert split.steps(10) == 11


def test_every_pass_has_every_row_once_in_an_order_of_its_own(split):
    found = batches(split, seed=7, passes=range(3))
    assert len(found) == 3 * 11
    passes = [rows(found[11 * n : 11 * n + 11]) for n in range(3)]
    for each in passes:
        assert sorted(each) == split.labels.tolist() != each
    assert passes[0] != passes[1] != passes[2] != passes[0]


def test_a_pass_is_the_same_whichever_came_before(split):
    whole = batches(split, seed=7, passes=range(4))
    assert batches(split, seed=7, passes=range(2, 4)) == whole[22:]
    assert batches(split, seed=8, passes=range(2, 4)) != whole[22:]


def test_a_dataset_of_one_pass_is_shuffled_anew_each_time_it_is_read(split):
    def twice():
        dataset = split.batches(10, lambda inputs, labels: (inputs, labels), seed=7)
        assert int(dataset.cardinality()) == 11
        return read(dataset), read(dataset)

    first, second = twice()
    assert sorted(rows(first)) == sorted(rows(second)) == split.labels.tolist()
    assert first != second
    assert twice() == (first, second)


@pytest.mark.parametrize("files", [[100], [30, 1, 1, 0, 25]])
def test_shares_have_every_row_once_and_are_even(tmp_path: Path, files: list[int]) -> None:
    numbers = iter(range(1, sum(files) + 1))
    for place, count in enumerate(files):
        with tf.io.TFRecordWriter(str(tmp_path / f"part-{place}"), "GZIP") as writer:
            for number in islice(numbers, count):
                value = tf.train.Feature(float_list=tf.train.FloatList(value=[number]))
                features = tf.train.Features(feature={"x": value, "label": value})
                writer.write(tf.train.Example(features=features).SerializeToString())
    spec = dict.fromkeys(("x", "label"), tf.io.FixedLenFeature([], tf.float32))
    transform = types.SimpleNamespace(transformed_feature_spec=lambda: spec)
    features = types.SimpleNamespace(task="regression")
    shares = [
        read_split([f"{tmp_path}/*"], transform, features, 3, part).labels.tolist()
        for part in range(3)
    ]
    assert sorted(chain.from_iterable(shares)) == list(range(1, sum(files) + 1))
    assert max(map(len, shares)) - min(map(len, shares)) <= len(files)
    whole = read_split([f"{tmp_path}/*"], transform, features).labels.tolist()
    assert sorted(whole) == list(range(1, sum(files) + 1))
