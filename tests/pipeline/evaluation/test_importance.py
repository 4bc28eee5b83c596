"""What shuffling a column costs a model whose answer is known for every row."""

import numpy as np
import pytest
import tensorflow as tf

from beltline.pipeline.evaluation.importance import (
    REPEATS,
    permutation_importance,
    rows_to_ask,
    values_by_column,
)
from beltline.pipeline.evaluation.scores import roc_auc

ROWS = 600


def example(**values):
    features = {}
    for name, value in values.items():
        if value is None:
            continue
        if isinstance(value, str):
            stored = tf.train.Feature(bytes_list=tf.train.BytesList(value=[value.encode()]))
        else:
            stored = tf.train.Feature(float_list=tf.train.FloatList(value=[value]))
        features[name] = stored
    return tf.train.Example(features=tf.train.Features(feature=features)).SerializeToString()


@pytest.fixture(scope="module")
def rows():
    chance = np.random.default_rng(5)
    decides = chance.normal(size=ROWS)
    made = [
        example(decides=value, again=value, noise=float(chance.normal()), always=3.0, word="a")
        for value in decides
    ]
    return np.array(made, object)


def asking(*columns):
    """A model that answers with the mean of some columns, and is asked for the AUC."""
    spec = {name: tf.io.FixedLenFeature([], tf.float32) for name in columns}

    def answers(rows):
        parsed = tf.io.parse_example(tf.constant(rows), spec)
        return np.mean([parsed[name].numpy() for name in columns], axis=0)

    def score_of_labels(labels):
        return lambda rows: roc_auc(labels, answers(rows))

    return answers, score_of_labels


def worth(rows, *columns):
    _, score_of_labels = asking(*columns)
    truth, _ = asking("decides")
    score = score_of_labels(truth(rows) > 0)
    values = values_by_column(rows)
    found = permutation_importance(values, values, score)
    return {each.column: each for each in found}


def test_the_column_that_decides_everything_is_first_and_costs_all(rows):
    found = worth(rows, "decides")
    assert next(iter(found)) == "decides"
    # Without it the model guesses: from an AUC of 1 to one of a half.
    assert found["decides"].loss == pytest.approx(0.5, abs=0.06)
    assert 0 < found["decides"].deviation < 0.05


def test_what_the_model_does_not_hang_on_is_worth_exactly_nothing(rows):
    found = worth(rows, "decides")
    for name in ("again", "noise", "always", "word"):
        assert (found[name].loss, found[name].deviation) == (0.0, 0.0)


def test_noise_that_the_model_reads_is_worth_little_and_a_constant_nothing(rows):
    found = worth(rows, "decides", "noise", "always")
    assert abs(found["noise"].loss) < found["decides"].loss
    assert found["always"].loss == 0.0


def test_noise_may_be_worth_less_than_nothing(rows):
    answers, _ = asking("noise")
    labels = answers(rows) < 0
    _, score_of_labels = asking("noise")
    score = score_of_labels(labels)
    [found] = permutation_importance(values_by_column(rows), ["noise"], score)
    # The model is wrong in every pair; by chance it is wrong in half of them.
    assert found.loss == pytest.approx(-0.5, abs=0.06)


def test_columns_that_say_the_same_share_their_worth(rows):
    alone = worth(rows, "decides")["decides"].loss
    found = worth(rows, "decides", "again")
    assert 0 < found["decides"].loss < 0.75 * alone
    assert found["again"].loss == pytest.approx(found["decides"].loss)


def test_where_less_is_better_a_loss_is_a_loss_too(rows):
    answers, _ = asking("decides")
    truth = answers(rows)

    def root_mean_square(asked):
        return float(np.sqrt(np.mean((answers(asked) - truth) ** 2)))

    values = values_by_column(rows)
    found = permutation_importance(values, values, root_mean_square, sign=-1)
    assert found[0].column == "decides"
    assert found[0].loss == pytest.approx(np.sqrt(2) * truth.std(), rel=0.1)


def test_the_same_each_time_and_whatever_other_columns_there_are(rows):
    _, score_of_labels = asking("decides", "noise")
    score = score_of_labels(asking("decides")[0](rows) > 0)
    values = values_by_column(rows)
    every = permutation_importance(values, values, score)
    assert every == permutation_importance(values, values, score)
    fewer = {name: values[name] for name in ("noise", "decides")}
    [alone] = permutation_importance(fewer, ["noise"], score)
    assert alone in every


def test_a_missing_value_takes_the_place_of_one_that_is_there():
    rows = np.array([example(x=1.0, t="a"), example(x=None, t="b")], object)
    spec = {
        "x": tf.io.FixedLenFeature([], tf.float32, default_value=-1.0),
        "t": tf.io.FixedLenFeature([], tf.string),
    }
    seen = []

    def asked(given):
        parsed = tf.io.parse_example(tf.constant(given), spec)
        sparse = tf.io.parse_example(tf.constant(given), {"x": tf.io.VarLenFeature(tf.float32)})
        assert sparse["x"].values.numpy().tolist() == [1.0]
        seen.append((parsed["x"].numpy().tolist(), parsed["t"].numpy().tolist()))
        return 0.0

    permutation_importance(values_by_column(rows), ["x"], asked)
    assert seen[0] == ([1.0, -1.0], [b"a", b"b"])
    assert ([-1.0, 1.0], [b"a", b"b"]) in seen[1:]


@pytest.mark.parametrize(
    ("wanted", "columns", "rows"),
    [
        (2000, 1, 2000),
        (2000, 17, 2000),
        (2000, 50, 1066),
        (2000, 150, 500),
        (300, 150, 300),
        (2000, 151, 0),
        (2000, 0, 2000),
    ],
)
def test_wide_tables_are_asked_about_fewer_rows(wanted, columns, rows):
    assert rows_to_ask(wanted, columns) == rows
    assert rows * REPEATS * columns**2 <= 34_000_000
