"""One training by processes, or by this one, without the export."""

import copy
import dataclasses
from pathlib import Path
from typing import Any

import numpy as np

from beltline.models.checkpoints import Checkpoints
from beltline.models.config import from_config
from beltline.models.curves import Curves
from beltline.models.devices import choose_devices
from beltline.models.hyperparameters import hyperparameters_of
from beltline.models.job import Job, prepare
from beltline.models.learned import Attempt, Learned
from beltline.models.learners import digest_of, learned
from beltline.models.recipe import Recipe
from beltline.models.shared.job import shared_job
from tests.models.rows import fn_args
from tests.models.trained import SETTINGS


@dataclasses.dataclass
class Trained:
    """What came out."""

    job: Job
    learned: Learned
    points: list[dict[str, float]]

    @property
    def digest(self) -> str:
        return digest_of(self.learned.model)

    @property
    def losses(self) -> list[float]:
        """Of the validation, after each pass."""
        return [point["val_loss"] for point in self.points]

    @property
    def said_loss(self) -> float:
        """That of its outputs."""
        outputs, labels = self.learned.outputs, self.learned.labels(self.job)
        return float(np.mean(self.job.objective.losses(outputs, labels)))


def settings(name: str = "binary", model: dict[str, Any] | None = None, **training: Any) -> Any:
    """The `custom_config` of one of the small tables."""
    custom = copy.deepcopy(SETTINGS[name])
    custom["model"].update(model or {})
    custom["training"].update({"gpu": "off", **training})
    return custom


def train(
    folder: Path,
    custom: dict[str, Any],
    start: Any = None,
    recipe: Recipe | None = None,
    steps: int | None = None,
    checkpoints: Checkpoints | None = None,
    **files: list[str],
) -> Trained:
    """Trains; by two processes with `start`."""
    if start:
        custom["training"]["workers"] = 2
    config = from_config(custom)
    arguments = fn_args(folder, custom, processes=start, **files)
    if start:
        job, devices = shared_job(arguments, config, recipe)
    else:
        devices = choose_devices(gpu="off")
        read = arguments.train_files, arguments.eval_files, arguments.transform_output
        job = prepare(config, *read, recipe)
    hyperparameters = hyperparameters_of(config)
    curves = Curves(str(folder / "curves"), hyperparameters)
    minutes = config.training.minutes
    attempt = Attempt(hyperparameters, devices, steps, minutes, curves, checkpoints)
    return Trained(job, learned(job, attempt), curves.points)


def in_files(folder: Path, split: str, where: Path, sizes: list[int]) -> list[str]:
    """The rows of a split in files of these sizes, and one with the rest."""
    import tensorflow as tf

    [file] = (folder / split).glob("*")
    rows = [record.numpy() for record in tf.data.TFRecordDataset(str(file), "GZIP")]
    where.mkdir()
    for number, part in enumerate(np.split(np.array(rows, object), np.cumsum(sizes))):
        with tf.io.TFRecordWriter(str(where / f"{number:03d}"), "GZIP") as writer:
            for row in part:
                writer.write(row)
    return [str(where / "*")]
