"""The Tuner's `tuner_fn`: a search for better hyperparameters that begins with the settings' own.

What is searched is in `search_space.py`, in which way in `oracles.py`, what a trial is in
`trials.py`. To replace all of it, name a function of your own in the settings as `model.tuner_fn`.
"""

import logging
from pathlib import Path
from typing import Any

from keras_tuner.engine import base_tuner
from keras_tuner.engine import trial as trials

from beltline.models.config import from_config
from beltline.models.oracles import DefaultsFirst, oracle
from beltline.models.trial_processes import environments, search_in_processes
from beltline.models.trials import TrialData, run_trial

LOG = logging.getLogger("beltline.tuner")


class Search(base_tuner.BaseTuner):
    """KerasTuner's loop over trials, or the same with several at once.

    Args:
      asked: what chooses the values; it remembers the search.
      data: what trials learn from.
      folder: where KerasTuner puts its own notes of each trial.
    """

    def __init__(self, asked: DefaultsFirst, data: TrialData, folder: Path):
        super().__init__(asked, directory=str(folder), project_name="trials")
        self._data = data
        self._processes = environments(data.tuning.parallel, data.config.training.gpu)

    def run_trial(self, trial: trials.Trial) -> dict[str, float]:
        """Trains with a trial's values; returns its metrics by name."""
        return run_trial(trial, self._data)

    def search(self) -> None:
        """Runs all trials that are left."""
        done = len(self.oracle.end_order)
        if done:
            LOG.info("resuming after %d trials of an earlier attempt", done)
        if len(self._processes) > 1:
            search_in_processes(self.oracle, self._data, self._processes)
        else:
            super().search()
        every = self.oracle.trials
        best, untuned = self.oracle.get_best_trials()[0], every[self.oracle.start_order[0]]
        LOG.info(
            "best of %d trials: %s, validation loss %.6f; untuned %.6f",
            *(len(every), best.trial_id, best.score, untuned.score),
        )

    def save(self) -> None:
        """Saves the oracle, which has all the state."""
        self.oracle.save()


def tuner_fn(fn_args: Any) -> Any:
    """Returns the search: TFX's entry point of the Tuner.

    Args:
      fn_args: a `tfx.components.FnArgs`; read are `train_files`, `eval_files` (the validation
        split), `transform_graph_path`, `working_dir` and `custom_config`.

    Returns:
      A `tfx.components.tuner.component.TunerFnResult`. Its search resumes an earlier one
      whose state is in `working_dir`.
    """
    # TFX takes seconds to import, and only this function needs it.
    from tfx.components.tuner.component import TunerFnResult

    config, folder = from_config(fn_args.custom_config), Path(fn_args.working_dir)
    if config.tuning is None:
        raise ValueError("custom_config: missing key 'tuning'")
    graph = fn_args.transform_graph_path
    data = TrialData(config, config.tuning, fn_args.train_files, fn_args.eval_files, graph)
    asked = oracle(config.tuning, config.training, folder)
    return TunerFnResult(tuner=Search(asked, data, folder), fit_kwargs={})
