"""When the passes of two real processes end, and how they go on."""

import logging
import os
import signal
import time
from collections.abc import Mapping
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from beltline.models.checkpoints import Checkpoints
from beltline.models.recipe import Recipe
from tests.models.shared.forked import Ended
from tests.models.shared.training import settings, train

pytestmark = pytest.mark.slow


def test_the_best_pass_is_kept_and_they_stop_after_it(
    folders: dict[str, Path], start: Any, caplog: pytest.LogCaptureFixture
) -> None:
    custom = settings(epochs=30, patience=2, learning_rate=0.2)
    with caplog.at_level(logging.INFO, "beltline.trainer"):
        trained = train(folders["binary"], custom, start)
    best = min(range(len(trained.losses)), key=trained.losses.__getitem__)
    assert len(trained.losses) == best + 3 < 30
    assert trained.said_loss == pytest.approx(trained.losses[best], abs=1e-4)
    assert trained.learned.lengths["passes"] == best + 1
    assert f"best of {best + 3} epochs: epoch {best + 1}, validation loss" in caplog.text
    assert "2 processes train together, on 127.0.0.1" in caplog.text


def test_time_is_up_for_all_of_them(
    folders: dict[str, Path], start: Any, caplog: pytest.LogCaptureFixture
) -> None:
    custom = settings(epochs=500, patience=500, minutes=0.0001)
    with caplog.at_level(logging.INFO, "beltline.trainer"):
        trained = train(folders["binary"], custom, start)
    assert len(trained.losses) == 1
    assert "are over: this epoch is the last" in caplog.text


def test_steps_are_made_and_no_more(folders: dict[str, Path], start: Any) -> None:
    trained = train(folders["binary"], settings(epochs=4), start, steps=29)
    # A pass has 24.
    assert len(trained.losses) == 2
    assert trained.learned.lengths["planned_passes"] == pytest.approx(29 / 24)
    assert trained.learned.lengths["passes"] in (1, 29 / 24)


def test_a_refit_is_as_long_as_the_recipe_says(folders: dict[str, Path], start: Any) -> None:
    lengths = {"passes": 1.5, "planned_passes": 4.0}
    recipe = Recipe(600, 200, lengths, [], temperature=1.0, threshold=0.5)
    both = [str(folders["binary"] / split / "*") for split in ("train", "validation")]
    files: Mapping[str, list[str]] = {"train_files": both, "eval_files": []}
    first, again = (
        train(folders["binary"], settings(epochs=4), start, recipe=recipe, **files)
        for _ in range(2)
    )
    assert first.digest == again.digest
    assert len(first.learned.outputs) == 0
    assert ["val_loss" in point for point in first.points] == [False, False]
    assert first.learned.lengths["passes"] == pytest.approx(1.5, abs=0.05)


def test_a_loss_that_is_no_number_ends_it(folders: dict[str, Path], start: Any) -> None:
    with pytest.raises(ValueError, match=r"a lower `training.learning_rate` may help"):
        train(folders["regression"], settings("regression", learning_rate=1e30, epochs=3), start)


@pytest.mark.parametrize("rank", [pytest.param(0, marks=pytest.mark.long), 1])
def test_one_that_is_killed_ends_it_and_the_next_goes_on(
    folders: dict[str, Path],
    start: Any,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    rank: int,
) -> None:
    custom = settings(epochs=12, patience=12, checkpoint_minutes=0)
    whole = train(folders["binary"], custom, start)
    kept, killed = Checkpoints(str(tmp_path), "key"), []

    def starting(number: int, factory: str) -> Any:
        processes = start(number, factory)

        def kill() -> None:
            while not (tmp_path / "key" / "state.npz").exists():
                time.sleep(0.01)
            os.kill(processes.processes[rank].pid, signal.SIGKILL)
            killed.append(time.monotonic())

        Thread(target=kill).start()
        return processes

    with pytest.raises(Ended):
        train(folders["binary"], custom, starting, checkpoints=kept)
    assert time.monotonic() - killed[0] < 60
    state = kept.load()
    assert state and 0 < state.values["epochs"] < 60
    with caplog.at_level(logging.INFO, "beltline.trainer"):
        resumed = train(folders["binary"], custom, start, checkpoints=kept)
    assert f"resuming an interrupted training after epoch {state.values['epochs']}" in caplog.text
    assert resumed.digest == whole.digest
    assert resumed.points == whole.points


def test_learners_are_weighed_on_the_rows_of_all(folders: dict[str, Path], start: Any) -> None:
    custom = settings(
        "binary", {"learners": ["network", "trees", "extra_trees"], "tree_rounds": 30}, epochs=3
    )
    alone, first, again = (train(folders["binary"], custom, each) for each in (None, start, start))
    assert [each.learner for each in first.learned.worth] == ["extra_trees", "trees", "network"]
    for here, each in zip(alone.learned.worth, first.learned.worth, strict=True):
        # Of rows in another order it would be that of chance.
        assert each.loss == pytest.approx(here.loss, rel=0.15)
    assert first.said_loss < max(each.loss for each in first.learned.worth)
    assert again.digest == first.digest
    assert again.learned.worth == first.learned.worth
