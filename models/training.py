"""The Trainer's `run_fn`: reads the transformed splits, fits the network, exports the model.

Early stopping and the choice of the threshold use the validation split (`fn_args.eval_files`); the
eval split is never seen here. To replace all of it, name a function of your own in the settings as
`model.run_fn`; to change only the network, see `network.py`.
"""

import importlib
import logging
import math
from collections.abc import Callable, Mapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf
import tensorflow_transform as tft

from models.devices import Devices, choose_devices
from models.export import export_model
from models.features import Features, from_config
from models.objective import Objective, make_objective
from models.preprocessing import vocabulary_sizes
from models.progress import Progress
from models.reading import Split, read_split
from models.threshold import best_f1

LOG = logging.getLogger("beltline.trainer")


def run_fn(fn_args: Any) -> None:
    """TFX's entry point of the Trainer.

    Args:
      fn_args: a `tfx.components.FnArgs`; read are `train_files`, `eval_files` (the validation
        split), `transform_output`, `serving_model_dir`, `custom_config` and `hyperparameters`.

    Raises:
      ValueError: a split is empty or holds one class only, or the loss is no longer a number.
    """
    features = from_config(fn_args.custom_config)
    transform = tft.TFTransformOutput(fn_args.transform_output)
    config = fn_args.custom_config["training"]
    make_repeatable(config["seed"])
    train, validation = read_splits(fn_args, transform, features)
    objective = make_objective(train.labels, features, config["imbalance"])
    hyperparameters = hyperparameters_of(fn_args.custom_config, fn_args.hyperparameters)
    hyperparameters["output_bias"] = objective.output_bias
    devices = choose_devices(config["mixed_precision"])
    build = network_builder(fn_args.custom_config, features, transform, hyperparameters)
    network = fit(build, hyperparameters, train, validation, objective, config, devices)
    threshold = choose_threshold(network, validation, objective)
    export_model(fn_args.serving_model_dir, network, transform, features, objective, threshold)


def make_repeatable(seed: int) -> None:
    """The same seed gives the same weights on the same machine, at some cost in speed."""
    keras.utils.set_random_seed(seed)
    tf.config.experimental.enable_op_determinism()


def read_splits(
    fn_args: Any, transform: tft.TFTransformOutput, features: Features
) -> tuple[Split, Split]:
    """The training and the validation split.

    Raises:
      ValueError: one of them is empty or, for a classification, has one class only.
    """
    train = read_split(fn_args.train_files, transform, features)
    validation = read_split(fn_args.eval_files, transform, features)
    for name, split in (("train", train), ("validation", validation)):
        if not len(split.labels):
            raise ValueError(f"the {name} split has no row with a known '{features.label}'")
        if features.task != "regression" and len(np.unique(split.labels)) == 1:
            only = features.classes[int(split.labels[0])]
            raise ValueError(f"'{features.label}' is '{only}' in every row of the {name} split")
    return train, validation


def hyperparameters_of(
    custom_config: Mapping[str, Any], tuned: Mapping[str, Any] | None
) -> dict[str, Any]:
    """The settings' `model`, `learning_rate` and `weight_decay`, overridden by a Tuner's choice.

    Args:
      custom_config: see `run_fn`.
      tuned: `keras_tuner.HyperParameters.get_config()`, or None.
    """
    training = custom_config["training"]
    chosen = {name: training[name] for name in ("learning_rate", "weight_decay")}
    chosen.update(custom_config["model"])
    values = dict((tuned or {}).get("values", {}))
    if "depth" in values:
        chosen["hidden"] = scaled(chosen["hidden"], values.pop("width"), values.pop("depth"))
    return {**chosen, **values}


def scaled(hidden: list[int], width: float, depth: int) -> list[int]:
    """Layers `width` times as wide, cut or lengthened in front to `depth` of them."""
    layers = [hidden[0]] * max(0, depth - len(hidden)) + list(hidden)
    return [max(1, round(width * units)) for units in layers[len(layers) - depth :]]


def network_builder(
    custom_config: Mapping[str, Any],
    features: Features,
    transform: tft.TFTransformOutput,
    hyperparameters: Mapping[str, Any],
) -> Callable[[], keras.Model]:
    """A function that builds the untrained network that the settings name."""
    module, _, name = custom_config["model"]["network_fn"].rpartition(".")
    network_fn = getattr(importlib.import_module(module), name)
    sizes = vocabulary_sizes(transform, features)
    return lambda: network_fn(features, sizes, hyperparameters)


def compile_network(
    network: keras.Model, hyperparameters: Mapping[str, Any], objective: Objective
) -> None:
    """Gives the network its optimizer and its loss."""
    optimizer = keras.optimizers.AdamW(
        hyperparameters["learning_rate"], weight_decay=hyperparameters["weight_decay"]
    )
    optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    network.compile(optimizer, objective.loss(), jit_compile=False)


def batch_size(setting: int | str, rows: int) -> int:
    """Rows per step for one device; `auto` is a power of two, about a hundredth of the rows."""
    if setting != "auto":
        return int(setting)
    return int(min(4096, max(32, 2 ** round(math.log2(max(1, rows / 100))))))


def fit(
    build: Callable[[], keras.Model],
    hyperparameters: Mapping[str, Any],
    train: Split,
    validation: Split,
    objective: Objective,
    config: Mapping[str, Any],
    devices: Devices,
) -> keras.Model:
    """A trained network with the weights of its best epoch, in float32 and on one device.

    Raises:
      ValueError: the loss is no longer a number.
    """
    with devices.scope():
        network = build()
        compile_network(network, hyperparameters, objective)
    size = batch_size(config["batch_size"], len(train.labels)) * devices.replicas
    LOG.info(
        "%s rows to learn from, %s to validate, %s per step, %s weights",
        *(f"{n:,}" for n in (len(train.labels), len(validation.labels), size)),
        f"{network.count_params():,}",
    )
    network.fit(
        train.batches(size, objective.target, config["seed"]),
        validation_data=validation.batches(max(size, 1024), objective.target),
        epochs=config["epochs"],
        callbacks=callbacks(config),
        verbose=0,
    )
    plain = build()
    plain.set_weights(network.get_weights())
    return plain


def callbacks(config: Mapping[str, Any]) -> list[keras.callbacks.Callback]:
    """Slows down when the validation loss stalls, stops when that doesn't help, and reports."""
    patience = config["patience"]
    return [
        Progress(),
        keras.callbacks.ReduceLROnPlateau(factor=0.3, patience=max(1, patience // 3)),
        keras.callbacks.EarlyStopping(patience=patience, restore_best_weights=True),
    ]


def choose_threshold(
    network: keras.Model, validation: Split, objective: Objective
) -> float | None:
    """For a binary label the probability from which on a row is positive, else None."""
    if objective.task != "binary":
        return None
    batches = validation.batches(4096, lambda inputs, _: (inputs,))
    outputs = np.concatenate([network(inputs, training=False) for (inputs,) in batches])
    probabilities = objective.prediction(outputs).numpy()[:, 0]
    threshold, f1 = best_f1(probabilities, validation.labels)
    LOG.info("threshold %.4f: F1 %.4f on the validation split", threshold, f1)
    return threshold
