"""What the model code uses of libraries beyond their public API is still there.

A failure here names the module to change after an upgrade.
"""

import inspect

import keras_tuner
import pytest
from keras_tuner.engine import trial
from tensorflow_transform.saved import saved_transform_io_v2


@pytest.mark.parametrize(
    "oracle",
    [keras_tuner.oracles.BayesianOptimizationOracle, keras_tuner.oracles.HyperbandOracle],
)
def test_an_oracle_keeps_its_trials_where_we_look_for_them(oracle) -> None:
    made = oracle(objective=keras_tuner.Objective("val_loss", "min"))
    for name in ("ongoing_trials", "start_order", "end_order", "trials"):
        assert hasattr(made, name), f"KerasTuner's oracles have no {name}: change models/oracles.py"
    for name in ("ongoing_trials", "retry_queue"):
        assert name in made.get_state(), (
            f"the state of KerasTuner's oracles has no {name}, so a killed search would lose its "
            "running trials: change DefaultsFirst.reload in models/oracles.py"
        )
    assert made.get_state()["retry_queue"] == [], "change DefaultsFirst.reload in models/oracles.py"


def test_hyperband_notes_its_budget_where_we_look_for_it() -> None:
    source = inspect.getsource(keras_tuner.oracles.HyperbandOracle)
    for note in ("tuner/epochs", "tuner/initial_epoch", "tuner/bracket"):
        assert note in source, (
            f"KerasTuner's Hyperband has no value {note}: change Hyperband.longest in "
            "models/oracles.py"
        )


def test_a_trial_can_be_sent_to_another_process() -> None:
    values = keras_tuner.HyperParameters()
    values.Choice("width", [1.0, 2.0])
    sent = trial.Trial(hyperparameters=values, trial_id="0", status=trial.TrialStatus.RUNNING)
    received = trial.Trial.from_state(sent.get_state())
    assert (received.trial_id, received.status) == ("0", trial.TrialStatus.RUNNING)


def test_tf_transforms_loader_applies_a_graph_as_the_export_does() -> None:
    loader = saved_transform_io_v2.SavedModelLoader
    parameters = list(inspect.signature(loader.__init__).parameters)
    assert parameters[:2] == ["self", "saved_model_dir"] and hasattr(
        loader, "apply_transform_model"
    ), f"TF Transform's SavedModelLoader takes {parameters}: change models/export.py"
