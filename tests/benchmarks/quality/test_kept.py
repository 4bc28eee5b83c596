"""Kept rows: what they depend on."""

from pathlib import Path

import pytest

from benchmarks.quality.kept import of_preprocessing, transformed


@pytest.mark.slow
@pytest.mark.long
def test_rows_depend_on_all_settings_but_those_of_the_training() -> None:
    defaults = of_preprocessing(())
    assert of_preprocessing(("model.members=2", "training.epochs=1")) == defaults
    assert of_preprocessing(("features.numbers=zscore",)) != defaults


def test_rows_that_are_kept_are_not_made_again(tmp_path: Path) -> None:
    kept = tmp_path / "wine-0-12345678"
    kept.mkdir()
    (kept / "transformed").touch()
    assert transformed(tmp_path, "wine", 0, "12345678", ()).folder == kept
    assert [file.name for file in kept.iterdir()] == ["transformed"]
