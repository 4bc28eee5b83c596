"""The Tuner's `tuner_fn`: a random search around the settings, which are its first trial.

To search elsewhere, change `search_space`; for another kind of search, return another KerasTuner
tuner. The search reports the best values by the validation loss; the Trainer trains with them.
"""

from typing import Any

import keras
import keras_tuner

from models.devices import choose_devices
from models.hyperparameters import hyperparameters_of
from models.job import prepare


class DefaultsFirst(keras_tuner.oracles.RandomSearchOracle):
    """Random search whose first trial has the default values."""

    def populate_space(self, trial_id: str) -> dict[str, Any]:
        """The values of the next trial, in KerasTuner's form."""
        if self.trials:
            return dict(super().populate_space(trial_id))
        return {"status": "RUNNING", "values": {hp.name: hp.default for hp in self._space()}}

    def _space(self) -> list[Any]:
        return list(self.hyperparameters.space)


def tuner_fn(fn_args: Any) -> Any:
    """TFX's entry point of the Tuner.

    Args:
      fn_args: a `tfx.components.FnArgs`; read are `train_files`, `eval_files` (the validation
        split), `transform_graph_path`, `working_dir` and `custom_config`.

    Returns:
      A `tfx.components.tuner.component.TunerFnResult`.

    Raises:
      ValueError: as `training.run_fn`.
    """
    # TFX takes seconds to import, and only this function needs it.
    from tfx.components.tuner.component import TunerFnResult

    config = fn_args.custom_config
    job = prepare(config, fn_args.train_files, fn_args.eval_files, fn_args.transform_graph_path)
    devices = choose_devices(config["training"]["mixed_precision"])

    def build(chosen: keras_tuner.HyperParameters) -> keras.Model:
        with devices.scope():
            return job.compiled(hyperparameters_of(config, chosen.values))

    tuner = keras_tuner.Tuner(
        oracle(config), build, directory=fn_args.working_dir, project_name="trials"
    )
    train, validation = job.datasets(devices)
    stop = keras.callbacks.EarlyStopping(patience=config["training"]["patience"])
    fit_kwargs = {
        "x": train,
        "validation_data": validation,
        "epochs": config["tuning"]["epochs"],
        "callbacks": [stop],
        "verbose": 0,
    }
    return TunerFnResult(tuner=tuner, fit_kwargs=fit_kwargs)


def oracle(custom_config: dict[str, Any]) -> DefaultsFirst:
    """What chooses the values of each trial."""
    return DefaultsFirst(
        objective=keras_tuner.Objective("val_loss", "min"),
        max_trials=custom_config["tuning"]["trials"],
        seed=custom_config["training"]["seed"],
        hyperparameters=search_space(custom_config),
        allow_new_entries=False,
    )


def search_space(custom_config: dict[str, Any]) -> keras_tuner.HyperParameters:
    """The values that are searched; every default is what the settings say."""
    settings = hyperparameters_of(custom_config)
    rate, dropout, depth = (
        settings["learning_rate"],
        settings["dropout"],
        len(settings["hidden"]),
    )
    space = keras_tuner.HyperParameters()
    space.Float("learning_rate", rate / 10, rate * 10, sampling="log", default=rate)
    space.Float("dropout", 0.0, max(0.5, dropout), default=dropout)
    space.Choice("width", [0.5, 1.0, 2.0], default=1.0)
    space.Int("depth", 1, max(4, depth), default=depth)
    return space
