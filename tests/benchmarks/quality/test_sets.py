"""The sets: readable, and each split is another one."""

import importlib.util
from pathlib import Path

import pandas as pd
import pytest

from benchmarks.quality.sets import LONG, PACKAGES, SETS, SPLIT_BY, write
from benchmarks.quality.verdicts import RARE

HERE = [name for name in SETS if all(map(importlib.util.find_spec, PACKAGES.get(name, ())))]
"""Those whose packages are installed: the tests don't need the benchmark's own."""


@pytest.mark.parametrize("name", [name for name in HERE if name not in LONG])
def test_every_set_has_its_label_and_a_split_of_its_own(name: str, tmp_path: Path) -> None:
    label = write(name, 0, tmp_path / "0.csv")
    write(name, 1, tmp_path / "1.csv")
    first, second = (pd.read_csv(tmp_path / f"{i}.csv", low_memory=False) for i in (0, 1))
    assert first[label].notna().all() and first[label].nunique() > 1
    assert first[SPLIT_BY].is_unique
    assert not set(first[SPLIT_BY]) & set(second[SPLIT_BY])
    assert first.drop(columns=SPLIT_BY).equals(second.drop(columns=SPLIT_BY))


def test_there_are_sets_of_every_kind() -> None:
    assert len(HERE) >= 16 and len(SETS) >= 20
    assert set(LONG) < set(SETS)
    rare = SETS["rare"]()
    assert rare.rows[rare.label].eq("fail").mean() == pytest.approx(0.03, abs=0.001)
    assert RARE > 0.03
    wide = SETS["wide"]()
    assert wide.rows.shape == (1_000, 301)
    many = SETS["categories"]()
    assert len(many.rows) == 200_000
    assert [many.rows[name].nunique() for name in ("k0", "k1", "k2")] == [300, 500, 900]


@pytest.mark.parametrize(("name", "column"), [("limits", "n1"), ("interactions", "n0")])
def test_no_column_alone_explains_the_generated_failures(name: str, column: str) -> None:
    table = SETS[name]()
    failed = table.rows[table.label].eq("fail")
    assert 0.1 < failed.mean() < 0.9
    assert abs(table.rows[column].corr(failed.astype(float))) < 0.2
