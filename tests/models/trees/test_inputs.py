"""The trees' table, made of what the real Transform writes."""

import copy
from pathlib import Path

import numpy as np
import pytest

from beltline.models.config import from_config
from beltline.models.job import prepare
from beltline.models.trees.inputs import table_of, tree_columns
from tests.models.rows import fn_args, table, transform
from tests.models.trained import SETTINGS

pytestmark = pytest.mark.slow


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
