"""The trees' table, made of what the real Transform writes."""

import copy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from beltline.models.config import from_config
from beltline.models.job import Job, prepare
from beltline.models.objective import make_objective
from beltline.models.reading import Split
from beltline.models.trees.inputs import TreeColumns, settle, table_of, tree_columns
from beltline.models.trees.learner import rows_of
from tests.models.rows import config, fn_args, table, transform
from tests.models.trained import SETTINGS


@pytest.mark.slow
def test_a_column_that_hardly_varies_is_told_by_its_rank(tmp_path: Path) -> None:
    custom = copy.deepcopy(SETTINGS["binary"])
    rows = [{**row, "shots": 5 + (place % 300 == 0)} for place, row in enumerate(table(600))]
    transform(tmp_path, custom, {"train": rows, "validation": rows})
    args = fn_args(tmp_path, custom)
    job = prepare(from_config(custom), args.train_files, args.eval_files, args.transform_output)
    found = table_of(job.train, tree_columns(job.train, job.features))
    assert len(np.unique(found[:, 1])) == 2
    heat = [row["heat (°C)"] for row in rows]
    assert np.isnan(found[:, 0]).sum() == heat.count(None)
    assert len(np.unique(found[:, 0])) > 500, "values beyond the outermost quantiles differ"


def test_a_number_that_was_rounded_in_two_ways_is_one() -> None:
    one, two = np.float32(0.493197), np.float32(2)
    rounded = np.nextafter(one, two)
    column = np.repeat([one, rounded, two, np.nan], [300, 200, 400, 100]).astype("float32")
    settled = settle(column)
    assert (settled[:500] == one).all() and (settled[500:900] == two).all()
    assert np.isnan(settled[900:]).all()
    other = np.repeat([one, rounded], [2, 300])
    assert (settle(other) == rounded).all()
    equal = np.repeat([one, rounded], [200, 200])
    assert (settle(equal) == one).all()


@pytest.mark.parametrize(
    "columns",
    [
        {"columns": {"x": "number"}, "numeric": ["x"]},
        {"columns": {"x": "text"}, "numeric": [], "timestamps": {"x": ["hour"]}},
    ],
)
def test_the_same_number_is_one_in_both_splits(columns: dict[str, Any]) -> None:
    one = np.float32(0.493197)
    rounded = np.nextafter(one, np.float32(2))
    train, validation = (np.tile(np.float32(each), (50, 1)) for each in (one, rounded))
    custom = from_config(config(categorical=[], **columns))
    objective = make_objective(np.arange(50) % 2, custom.features, "prior")
    splits = [of_memory(values) for values in (train, validation)]
    job = Job(custom, None, *splits, objective)  # type: ignore[arg-type] # not read here
    assert len(np.unique(rows_of(job, TreeColumns([0])).table)) == 1


def of_memory(values: np.ndarray) -> Split:
    """A split of one number, none of which is missing."""
    columns = {"numeric": tf.constant(values), "missing": tf.zeros((len(values), 1))}
    stream = tf.data.Dataset.from_tensor_slices((columns, np.arange(len(values)) % 2)).batch(32)
    return Split(np.arange(len(values)) % 2, columns, stream)


def test_numbers_that_differ_stay_as_they_are() -> None:
    rng = np.random.default_rng(0)
    few = rng.choice(np.linspace(-3, 3, 40).astype("float32"), 2000)
    many = rng.normal(size=2000).astype("float32")
    for column in (few, many, few[:1], np.zeros(100, "float32"), np.full(9, np.nan, "float32")):
        assert np.array_equal(settle(column), column, equal_nan=True)
