"""The network that two real processes train, against one process on the same rows."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.models.shared.training import in_files, settings, train

# All rows in one step, so that those of both are the same, and no chance.
WHOLE = {"batch_size": 1000, "epochs": 8, "learning_rate": 0.03}
NO_DROPOUT = {"dropout": 0.0}
NETWORKS = "tests.models.shared.workers"
AT_LENGTH = [pytest.param(name, marks=pytest.mark.long) for name in ("regression", "categories")]


def test_it_learns_what_one_process_does(folders: dict[str, Path], start: Any) -> None:
    custom = settings("binary", NO_DROPOUT, **WHOLE)
    alone = train(folders["binary"], custom)
    together = train(folders["binary"], custom, start)
    assert together.losses == pytest.approx(alone.losses, abs=1e-5)
    assert together.losses[-1] < 0.8 * together.losses[0]
    assert np.sort(together.learned.outputs[:, 0]) == pytest.approx(
        np.sort(alone.learned.outputs[:, 0]), abs=1e-3
    )


@pytest.mark.slow
@pytest.mark.parametrize("name", ["multiclass", *AT_LENGTH])
def test_so_it_does_with_any_label_and_unequal_shares(
    folders: dict[str, Path], start: Any, tmp_path: Path, name: str
) -> None:
    custom = settings(name, NO_DROPOUT, **WHOLE, imbalance="balanced")
    # A file of one row is the first process' alone.
    files = {
        "train_files": in_files(folders[name], "train", tmp_path / "train", [1] * 150),
        "eval_files": in_files(folders[name], "validation", tmp_path / "eval", [1] * 80),
    }
    alone = train(folders[name], custom)
    together = train(folders[name], custom, start, **files)
    assert together.losses == pytest.approx(alone.losses, abs=1e-5)
    assert together.said_loss == pytest.approx(min(together.losses), abs=1e-5)


@pytest.mark.slow
def test_the_seed_decides_alone(folders: dict[str, Path], start: Any) -> None:
    first, again, other = (
        train(folders["binary"], settings(seed=seed, epochs=2), start) for seed in (7, 7, 8)
    )
    assert first.digest == again.digest != other.digest
    assert first.points == again.points


@pytest.mark.slow
def test_rows_that_memory_does_not_hold_are_read_on_each_pass(
    folders: dict[str, Path], start: Any
) -> None:
    def away(number: int, _: str) -> Any:
        return start(number, f"{NETWORKS}.from_files")

    custom = settings("binary", NO_DROPOUT, **WHOLE)
    held, read = (train(folders["binary"], custom, each) for each in (start, away))
    assert read.losses == pytest.approx(held.losses, abs=1e-5)


@pytest.mark.slow
def test_no_proxy_is_asked(folders: dict[str, Path], start: Any) -> None:
    def away(number: int, _: str) -> Any:
        return start(number, f"{NETWORKS}.behind_a_proxy")

    assert len(train(folders["binary"], settings(epochs=1), away).losses) == 1


@pytest.mark.slow
def test_processes_that_do_not_reach_each_other_fail(folders: dict[str, Path], start: Any) -> None:
    def alone(number: int, _: str) -> Any:
        return start(number, f"{NETWORKS}.Unreachable")

    expected = r"process at 127.0.0.1:9 can't be reached from \S+ \(.*refused\): open the ports"
    with pytest.raises(RuntimeError, match=expected):
        train(folders["binary"], settings(epochs=1), alone)


@pytest.mark.slow
def test_each_process_has_masks_and_threads_of_its_own(
    folders: dict[str, Path], start: Any
) -> None:
    found = []

    def seen(number: int, _: str) -> Any:
        found.append(start(number, f"{NETWORKS}.Seen"))
        return found[0]

    trained = train(folders["binary"], settings(epochs=1), seen)
    [processes] = found
    here, there = processes.call("seeds")
    assert len(here) == 2 and not any(mask in here for mask in there)
    assert [count for _, count in here] == [count for _, count in there] != [0, 0]
    assert processes.call("threads") == [(1, 1), (1, 1)]
    shares = processes.call("rows")
    assert shares == [[300, 100], [300, 100]], "each has read its share alone"
    assert trained.job.train.columns is None


@pytest.mark.slow
def test_what_a_network_learns_without_a_gradient_is_levelled(
    folders: dict[str, Path], start: Any
) -> None:
    custom = settings("regression", {"network_fn": f"{NETWORKS}.normalized"}, epochs=4)
    alone, together = (train(folders["regression"], custom, each) for each in (None, start))
    assert together.losses[-1] == pytest.approx(alone.losses[-1], rel=0.1)


@pytest.mark.slow
def test_networks_that_become_different_are_found(folders: dict[str, Path], start: Any) -> None:
    custom = settings("binary", {"network_fn": f"{NETWORKS}.of_one_process"}, epochs=2)
    with pytest.raises(RuntimeError, match="have come to different weights"):
        train(folders["binary"], custom, start)


@pytest.mark.slow
@pytest.mark.parametrize("changes", [{"xla": "on"}, {"weight_decay": 0.1}])
def test_other_ways_to_step(folders: dict[str, Path], start: Any, changes: dict[str, Any]) -> None:
    custom = settings("binary", NO_DROPOUT, **WHOLE, **changes)
    alone, together = (train(folders["binary"], custom, each) for each in (None, start))
    assert together.losses == pytest.approx(alone.losses, abs=1e-4)
