"""The oracles that choose the values of each trial: KerasTuner's, with the settings' values first.

Both keep their state in one file that is written atomically: a search that was killed resumes after
the trials that had ended. To search in another way, add an oracle of KerasTuner's
here, as `Bayesian` is, and its name to `oracle`.
"""

import json
from pathlib import Path
from typing import Any

import keras_tuner
from keras_tuner.engine import trial as trials

from beltline.models.config import Auto, TrainingConfig, TuningConfig
from beltline.models.schedule import EPOCHS as AUTO_EPOCHS
from beltline.models.search_space import search_space

OBJECTIVE = "val_loss"
EPOCHS = "tuner/epochs"
"""Hyperband's own name for the most epochs of a trial."""

_STATE = "search.json"
_RANDOM_SHARE = 3  # of so many trials of a Bayesian search one is random, before it has a model


class DefaultsFirst(keras_tuner.Oracle):
    """Mix-in for an oracle of KerasTuner's: the untuned settings first, and a state that survives.

    The first trial has the settings' own values and full length.
    """

    folder: Path
    """Folder of the search's state."""

    def populate_space(self, trial_id: str) -> dict[str, Any]:
        """Returns the values of the next trial, in KerasTuner's form."""
        if self.trials:
            return dict(super().populate_space(trial_id))
        untuned = {each.name: each.default for each in self.get_space().space}
        return {"status": trials.TrialStatus.RUNNING, "values": untuned | self.longest()}

    def longest(self) -> dict[str, Any]:
        """Returns the oracle's own notes in the values of a trial of full length."""
        return {}

    def get_best_trials(self, num_trials: int = 1) -> list[trials.Trial]:
        """Returns the best trials of full length; of two equal ones the earlier."""
        ended = [
            trial
            for trial in self.trials.values()
            if trial.status == trials.TrialStatus.COMPLETED
            and trial.hyperparameters.values.items() >= self._budget().items()
        ]
        return sorted(ended, key=lambda trial: trial.score)[:num_trials]

    def _budget(self) -> dict[str, Any]:
        return {name: value for name, value in self.longest().items() if name == EPOCHS}

    def process_of(self, trial: trials.Trial) -> str:
        """Returns the name of the process that a running trial was given to."""
        return next(name for name, running in self.ongoing_trials.items() if running is trial)

    def save(self) -> None:
        """Writes the state of the search atomically."""
        state = {
            "oracle": self.get_state(),
            "trials": [trial.get_state() for trial in self.trials.values()],
        }
        self.folder.mkdir(parents=True, exist_ok=True)
        written = self.folder / f".{_STATE}"
        written.write_text(json.dumps(state), encoding="utf-8")
        written.replace(self.folder / _STATE)

    def reload(self) -> None:
        """Restores the state of an earlier search, if any; trials that were running start again."""
        if not (self.folder / _STATE).exists():
            return
        state = json.loads((self.folder / _STATE).read_text(encoding="utf-8"))
        self.trials = {each["trial_id"]: trials.Trial.from_state(each) for each in state["trials"]}
        at_work = [
            trial.trial_id
            for trial in self.trials.values()
            if trial.status == trials.TrialStatus.RUNNING
        ]
        # A queue that is taken from its end.
        self.set_state({**state["oracle"], "ongoing_trials": {}, "retry_queue": at_work[::-1]})


class Bayesian(DefaultsFirst, keras_tuner.oracles.BayesianOptimizationOracle):
    """A Gaussian process says where a better trial may be."""


class Hyperband(DefaultsFirst, keras_tuner.oracles.HyperbandOracle):
    """Many short trials, of which the best go on longer; each from its beginning."""

    def longest(self) -> dict[str, Any]:
        """Returns the notes of a trial in the last bracket, whose trials all have full length."""
        return {EPOCHS: self.max_epochs, "tuner/initial_epoch": 0, "tuner/bracket": 0}


def oracle(tuning: TuningConfig, training: TrainingConfig, folder: Path) -> DefaultsFirst:
    """Returns what chooses the values of each trial, resumed from the state in `folder`.

    Args:
      tuning: how to search, and in which space.
      training: its seed and its number of epochs.
      folder: where the state of the search is kept.
    """
    common = {
        "objective": keras_tuner.Objective(OBJECTIVE, "min"),
        # KerasTuner takes 0 for no seed.
        "seed": training.seed + 1,
        "hyperparameters": search_space(tuning),
        "allow_new_entries": False,
    }
    made: DefaultsFirst
    if tuning.search == "hyperband":
        most = most_epochs(tuning, training)
        # It must know a number beforehand; a table's rows are not read yet.
        made = Hyperband(max_epochs=AUTO_EPOCHS if most == "auto" else most, **common)
    else:
        points = max(2, tuning.trials // _RANDOM_SHARE)
        made = Bayesian(max_trials=tuning.trials, num_initial_points=points, **common)
    made.folder = folder
    made.verbose = 0
    made.reload()
    return made


def most_epochs(tuning: TuningConfig, training: TrainingConfig) -> int | Auto:
    """Returns the most epochs of a trial: by default as many as the Trainer's."""
    return tuning.epochs or training.epochs
