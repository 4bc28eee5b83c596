"""Trains on a folder made by `rows.transform`, as `python -m tests.models.train_alone`.

A process of its own, since it may be killed, and since TensorFlow's devices are set only once.
"""

import argparse
import json
import logging
from pathlib import Path
from typing import Any

import tensorflow as tf

from beltline.models import reading
from beltline.models.config import from_config
from beltline.models.curves import Curves
from beltline.models.devices import Devices, choose_devices
from beltline.models.hyperparameters import hyperparameters_of
from beltline.models.job import prepare
from beltline.models.learned import Attempt
from beltline.models.learners import learned
from beltline.models.training import checkpoints_of
from tests.models.rows import config, fn_args

# Enough of them to be killed in the middle, and to see the rate fall.
SETTINGS = {"epochs": 40, "patience": 9, "learning_rate": 0.02, "checkpoint_minutes": 0}
LEARNERS = {
    "trees": {"learners": ["trees"], "tree_rounds": 1000, "tree_patience": 900},
    "both": {"learners": ["network", "trees"], "tree_rounds": 30},
}


def two_devices() -> Devices:
    """Two halves of the CPU, in half precision, whose loss is scaled."""
    cpu = tf.config.list_physical_devices("CPU")[0]
    halves = [tf.config.LogicalDeviceConfiguration()] * 2
    tf.config.set_logical_device_configuration(cpu, halves)
    return Devices(tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"]), "mixed_float16")


def train(folder: Path, where: str, devices: Devices, checkpoints: bool) -> None:
    """Trains, and leaves its curve in `folder/where`."""
    custom = config()
    custom["training"].update(SETTINGS)
    kind = where.removesuffix("-anew")
    custom["model"].update(LEARNERS.get(kind, {}))
    if kind in LEARNERS:
        custom["training"]["folds"] = "auto"
    changes: dict[str, Any] = {"working_dir": str(folder / where) if checkpoints else None}
    arguments = fn_args(folder, custom, **changes)
    typed = from_config(custom)
    job = prepare(typed, arguments.train_files, arguments.eval_files, arguments.transform_output)
    hyperparameters = hyperparameters_of(typed)
    kept = checkpoints_of(arguments, job, hyperparameters, devices)
    curves = Curves(str(folder / where / "curves"), hyperparameters)
    learned(job, Attempt(hyperparameters, devices, curves=curves, checkpoints=kept))
    (folder / where / "points.json").write_text(json.dumps(curves.points))


def main() -> None:
    """Trains with checkpoints, and then, if asked, the same without."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("kind", choices=("memory", "files", "two devices", "trees", "both"))
    parser.add_argument("--and-anew", action="store_true")
    chosen = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    if chosen.kind == "files":
        reading.MEMORY, reading.SHUFFLED = 0, 256
    devices = two_devices() if chosen.kind == "two devices" else choose_devices()
    where = chosen.kind.replace(" ", "-")
    train(chosen.folder, where, devices, checkpoints=True)
    if chosen.and_anew:
        train(chosen.folder, f"{where}-anew", devices, checkpoints=False)


if __name__ == "__main__":
    main()
