"""How much of the training's time is the model's, by TensorFlow's own profiler.

    python -m benchmarks.training_profile --root ROOT

Trains again what a run in ROOT has trained, on the same rows, for a few epochs: the first ones warm
the input pipeline, the others are profiled. Each step asks the input pipeline for its batch
(`IteratorGetNext` in the profile); what it waits there is not the model's time.
"""

import json
import tempfile
import time
from pathlib import Path
from typing import Any

import click
import keras
import tensorflow as tf

from beltline.models.config import from_config
from beltline.models.devices import choose_devices
from beltline.models.hyperparameters import hyperparameters_of
from beltline.models.job import Job, prepare
from benchmarks.executions import latest, output_folder

_WARM = 2
_PROFILED = 3


class Profile(keras.callbacks.Callback):
    """Profiles all epochs but the first `_WARM`.

    Args:
      folder: where the profile goes.
    """

    def __init__(self, folder: str):
        super().__init__()
        self._folder = folder
        self.seconds = 0.0
        """Wall seconds of the profiled epochs."""

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Begins when the input is warm."""
        if epoch == _WARM:
            tf.profiler.experimental.start(self._folder)
            self.seconds = -time.perf_counter()

    def on_train_end(self, logs: Any = None) -> None:
        """Ends, and writes the profile."""
        self.seconds += time.perf_counter()
        tf.profiler.experimental.stop()


@click.command()
@click.option("--root", type=Path, required=True, help="Root of a run that has got to the Trainer.")
def main(root: Path) -> None:
    """Print the share of the training's time that is the model's."""
    job, hyperparameters = _trained(root)
    devices = choose_devices("off", "off", "off")
    steps = job.train.steps(job.rows_per_step(devices))
    network = job.compiled(hyperparameters, devices, job.steps_together(devices, None))
    rows, _ = job.datasets(devices, range(_WARM + _PROFILED))
    with tempfile.TemporaryDirectory() as folder:
        profile = Profile(folder)
        network.fit(
            rows,
            epochs=_WARM + _PROFILED,
            steps_per_epoch=steps,
            callbacks=[profile],
            shuffle=False,
            verbose=0,
        )
        waited, asked = _waiting(Path(folder))
    share = 1 - waited / profile.seconds
    click.echo(
        f"{asked} steps, {profile.seconds:.2f} s, {waited:.3f} s of it waiting for rows: "
        f"{share:.1%} in the model"
    )


def _trained(root: Path) -> tuple[Job, dict[str, Any]]:
    trainer = latest(root)["Trainer"]
    config = from_config(json.loads(trainer.custom_properties["custom_config"].string_value))
    rows = output_folder(root, "Transform", "transformed_examples")
    train, validation = ([str(rows / f"Split-{name}" / "*")] for name in ("train", "validation"))
    graph = str(output_folder(root, "Transform", "transform_graph"))
    return prepare(config, train, validation, graph), hyperparameters_of(config)


def _waiting(folder: Path) -> tuple[float, int]:
    """Seconds in which the steps waited for their rows, and how often they asked."""
    from tensorflow.tsl.profiler.protobuf import xplane_pb2

    [file] = folder.rglob("*.xplane.pb")
    profile = xplane_pb2.XSpace.FromString(file.read_bytes())
    durations = [
        event.duration_ps / 1e12
        for plane in profile.planes
        for line in plane.lines
        for event in line.events
        if plane.event_metadata[event.metadata_id].name.startswith("IteratorGetNext")
    ]
    return sum(durations), len(durations)


if __name__ == "__main__":
    main()
