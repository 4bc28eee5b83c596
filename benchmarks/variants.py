"""The default model without one of its parts, for `ablations.py`.

It copies this file beside a set's `pipeline.yaml`, as a user's own network would stand there. To
add one, write a function with the signature of `beltline.models.network.build_network` or of
`beltline.models.training.run_fn`.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import keras
import numpy as np
from sklearn.metrics import precision_recall_curve

from beltline.models.calibration import calibrated
from beltline.models.config import from_config
from beltline.models.devices import Devices, choose_devices
from beltline.models.export import Trained, export_model
from beltline.models.features import Features
from beltline.models.fitting import fit
from beltline.models.hyperparameters import hyperparameters_of
from beltline.models.job import Job, prepare
from beltline.models.learned import Attempt
from beltline.models.network import embed, network_inputs, perceptrons
from beltline.models.objective import Objective
from beltline.models.training import Array, choose_threshold


def without_pieces(
    features: Features, vocabulary_sizes: Sequence[int], hyperparameters: Mapping[str, Any]
) -> keras.Model:
    """Numbers as their two encodings alone, without a curve of each."""
    inputs = network_inputs(features)
    parts = [inputs[name] for name in ("numeric", "missing") if name in inputs]
    if "categories" in inputs:
        parts += embed(inputs["categories"], vocabulary_sizes, int(hyperparameters["embedding"]))
    return keras.Model(inputs, perceptrons(parts, features, hyperparameters))


class ConstantRate(Job):
    """Learns at the same rate in every step."""

    def compiled(
        self,
        hyperparameters: Mapping[str, Any],
        devices: Devices | None = None,
        together: int = 1,
        steps: int | None = None,
    ) -> keras.Model:
        """As in `Job`, less the schedule."""
        return super().compiled(hyperparameters, devices, together)


def with_a_constant_rate(fn_args: Any) -> None:
    """Passes without limit at one learning rate, until the validation loss stalls."""
    config = fn_args.custom_config
    training = {**config["training"], "learning_rate": 0.001, "epochs": 60}
    fn_args.custom_config = {**config, "training": training}
    _train(fn_args, calibrated, choose_threshold, ConstantRate)


def without_temperature(fn_args: Any) -> None:
    """The outputs as the network gives them."""
    _train(fn_args, lambda objective, *_: objective, choose_threshold)


def with_the_best_threshold(fn_args: Any) -> None:
    """The threshold with the highest F1 on just the validation rows."""
    _train(fn_args, calibrated, _best_threshold)


def _best_threshold(objective: Objective, outputs: Array, labels: Array) -> float | None:
    if objective.task != "binary":
        return None
    probabilities = np.asarray(objective.prediction(outputs))[:, 0]
    precision, recall, thresholds = precision_recall_curve(labels, probabilities)
    f1 = 2 * precision * recall / np.maximum(precision + recall, 1e-9)
    return float(thresholds[np.argmax(f1[:-1])])


def _train(
    fn_args: Any,
    calibrate: Callable[[Objective, Array, Array], Objective],
    choose: Callable[[Objective, Array, Array], float | None],
    kind: type[Job] = Job,
) -> None:
    """As `beltline.models.training.run_fn`, with some of its parts given."""
    config = from_config(fn_args.custom_config)
    data = prepare(config, fn_args.train_files, fn_args.eval_files, fn_args.transform_output)
    job = kind(**vars(data))
    devices = choose_devices("off", "off", "off")
    found = fit(job, Attempt(hyperparameters_of(config), devices, minutes=config.training.minutes))
    outputs, labels = found.outputs, found.labels(job)
    objective = calibrate(job.objective, outputs, labels)
    threshold = choose(objective, outputs, labels)
    trained = Trained(found.model, job.features, objective, threshold)
    export_model(fn_args.serving_model_dir, trained, job.transform)
