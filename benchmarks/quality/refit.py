"""What a refit (`training.refit`) is worth, on rows that neither it nor the judged model has seen.

    python -m benchmarks.quality.refit --set casting --set diabetes --with model.learners=[trees]

A quarter of a set's train split takes the place of the rows that the gates judge by. One model
learns without them, and stops by the validation split. Its refit learns from these, too, and from
the validation split. The set's eval split, which both are scored on, is left for no other purpose.
"""

import functools
import os
import statistics
import tempfile
from collections.abc import Sequence
from pathlib import Path

import click

from benchmarks.quality import kept
from benchmarks.quality.experiment import KEPT, arguments_of, in_a_fork, trainer_of
from benchmarks.quality.scores import Metrics, of_model
from benchmarks.quality.sets import SETS
from benchmarks.quality.workspace import Workspace

_SHARE = 4  # one of so many rows of the train split is kept for the refit
SIDES = ("judged", "refit")


@click.command()
@click.option("--set", "names", multiple=True, type=click.Choice(list(SETS)), required=True)
@click.option("--splits", default=1, help="How many ways each set is split.")
@click.option("--with", "settings", multiple=True, metavar="KEY=VALUE", help="As in `run --set`.")
@click.option("--kept", "parent", type=Path, default=KEPT, help="Where transformed rows are kept.")
def main(names: tuple[str, ...], splits: int, settings: tuple[str, ...], parent: Path) -> None:
    """Train, refit, and score both."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    preprocessing = kept.of_preprocessing(settings)
    for name in names:
        found: list[list[Metrics]] = []
        for split in range(splits):
            space = kept.transformed(parent.resolve(), name, split, preprocessing, settings)
            found.append(in_a_fork(functools.partial(both, space, settings), space))
        for number, side in enumerate(SIDES):
            runs = [pair[number] for pair in found]
            means = {key: statistics.mean(run[key] for run in runs) for key in runs[0]}
            said = ", ".join(f"{key} {value:.4g}" for key, value in means.items())
            click.echo(f"{name} {side}: {said}")


def both(space: Workspace, settings: Sequence[str]) -> list[Metrics]:
    """Returns the metrics of the judged model and of its refit on the eval split.

    Args:
      space: a run up to Transform.
      settings: `KEY=VALUE`, laid over the defaults.
    """
    from beltline.models.config import features_from_config

    config, run_fn = trainer_of(space, settings)
    found = []
    with tempfile.TemporaryDirectory() as folder:
        judged = arguments_of(space, config, Path(folder) / "judged")
        [train], [validation] = judged.train_files, judged.eval_files
        seen, new = _cut(train, Path(folder))
        judged.train_files = [seen]
        refit = arguments_of(space, config, Path(folder) / "refit")
        refit.train_files, refit.eval_files = [seen, new, validation], []
        refit.base_model = judged.serving_model_dir
        for arguments in (judged, refit):
            run_fn(arguments)
            model = Path(arguments.serving_model_dir)
            found.append(of_model(model, space.examples, features_from_config(config)))
    return found


def _cut(files: str, folder: Path) -> tuple[str, str]:
    """Writes the rows of some files into two: those to learn from, and those to judge by."""
    import tensorflow as tf

    names = sorted(tf.io.gfile.glob(files))
    records = list(tf.data.TFRecordDataset(names, "GZIP").as_numpy_iterator())
    seen = [record for place, record in enumerate(records) if place % _SHARE]
    parts = {"seen": seen, "new": records[::_SHARE]}
    for part, rows in parts.items():
        with tf.io.TFRecordWriter(str(folder / f"{part}.gz"), "GZIP") as writer:
            for row in rows:
                writer.write(row)
    return str(folder / "seen.gz"), str(folder / "new.gz")


if __name__ == "__main__":
    main()
