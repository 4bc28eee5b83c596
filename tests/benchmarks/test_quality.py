"""The sets of the quality benchmark."""

from pathlib import Path

import pandas as pd
import pytest

from benchmarks.quality.sets import SETS, SPLIT_BY, write


@pytest.mark.parametrize("name", SETS)
def test_every_set_has_its_label_and_a_split_of_its_own(name: str, tmp_path: Path) -> None:
    label = write(name, 0, tmp_path / "0.csv")
    write(name, 1, tmp_path / "1.csv")
    first, second = (pd.read_csv(tmp_path / f"{i}.csv", low_memory=False) for i in (0, 1))
    assert first[label].notna().all() and first[label].nunique() > 1
    assert first[SPLIT_BY].is_unique
    assert not set(first[SPLIT_BY]) & set(second[SPLIT_BY])
    assert first.drop(columns=SPLIT_BY).equals(second.drop(columns=SPLIT_BY))
