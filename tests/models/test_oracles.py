"""In which order trials come, which is the best, and what a killed search remembers."""

import json

import pytest
from keras_tuner.engine.trial import TrialStatus

from beltline.models.config import from_config
from beltline.models.oracles import EPOCHS, oracle
from tests.models.rows import config

# Fitting a Gaussian process takes a second.
pytestmark = pytest.mark.slow


def searching(folder, search="bayesian", trials=5, epochs=9):
    custom = config()
    custom["tuning"] |= {"search": search, "trials": trials, "epochs": epochs}
    typed = from_config(custom)
    made = oracle(typed.tuning, typed.training, folder)
    made._set_project_dir(str(folder), "notes")
    return made


def loss(trial):
    """The lower the rate, the better; the longer, the worse."""
    values = trial.hyperparameters.values
    return values["learning_rate"] + values.get(EPOCHS, 9) / 1e3


def end(asked, trial, state=TrialStatus.COMPLETED):
    if state == TrialStatus.COMPLETED:
        asked.update_trial(trial.trial_id, {"val_loss": loss(trial)})
    trial.status = state
    asked.end_trial(trial)
    asked.save()


def run(asked, most=1000):
    """Runs trials until there are no more, or `most` of them; returns them."""
    done = []
    while len(done) < most:
        trial = asked.create_trial("one")
        if trial.status == TrialStatus.STOPPED:
            break
        end(asked, trial)
        done.append(trial)
    return done


@pytest.mark.parametrize("search", ["bayesian", "hyperband"])
def test_the_settings_come_first_and_train_as_long_as_any(tmp_path, search):
    done = run(searching(tmp_path, search))
    first = done[0].hyperparameters.values
    assert {"learning_rate": 0.01, "dropout": 0.1, "width": 1.0, "depth": 2}.items() <= (
        first.items()
    )
    # Without a note of its own each trains as long as the settings say.
    epochs = [trial.hyperparameters.values.get(EPOCHS, 9) for trial in done]
    assert epochs[0] == max(epochs) == 9
    assert (len(done) == 5) if search == "bayesian" else (len(done) > 10 and min(epochs) == 1)
    values = [
        tuple(v for k, v in trial.hyperparameters.values.items() if not k.startswith("tuner/"))
        for trial in done
    ]
    assert values.count(values[0]) == 1


def test_the_best_is_one_that_was_trained_as_long_as_any(tmp_path):
    asked = searching(tmp_path, "hyperband")
    done = run(asked)
    [best] = asked.get_best_trials()
    longest = [trial for trial in done if trial.hyperparameters.values[EPOCHS] == 9]
    assert best.score == min(trial.score for trial in longest) <= done[0].score
    # The shorter ones have lower losses here.
    assert min(trial.score for trial in done) < best.score


def test_of_equal_trials_the_settings_win(tmp_path):
    asked = searching(tmp_path)
    for _ in range(3):
        trial = asked.create_trial("one")
        asked.update_trial(trial.trial_id, {"val_loss": 0.5})
        trial.status = TrialStatus.COMPLETED
        asked.end_trial(trial)
    assert asked.get_best_trials()[0].trial_id == "0"


@pytest.mark.parametrize("search", ["bayesian", "hyperband"])
@pytest.mark.parametrize("ended", [0, 1, 3])
def test_a_killed_search_goes_on_with_the_trial_that_was_at_work(tmp_path, search, ended):
    before = searching(tmp_path, search)
    done = run(before, most=ended)
    at_work = before.create_trial("one")
    after = searching(tmp_path, search)
    assert list(after.trials) == [*(trial.trial_id for trial in done), at_work.trial_id]
    again = after.create_trial("another")
    assert again.trial_id == at_work.trial_id
    assert again.hyperparameters.values == at_work.hyperparameters.values
    end(after, again)
    rest = run(after)
    assert len({trial.trial_id for trial in [*done, again, *rest]}) == len(done) + 1 + len(rest)
    if search == "hyperband":
        # What it gave before the kill decides what it asks for after it.
        whole = run(searching(tmp_path / "whole", search))
        assert [t.hyperparameters.values for t in [*done, again, *rest]] == [
            t.hyperparameters.values for t in whole
        ]
    else:
        assert len(after.trials) == 5


def test_several_that_were_at_work_are_done_in_their_order(tmp_path):
    before = searching(tmp_path)
    asked = [before.create_trial(f"process {number}").trial_id for number in range(3)]
    end(before, before.trials[asked[1]])
    after = searching(tmp_path)
    assert [trial.trial_id for trial in run(after)] == [asked[0], asked[2], "3", "4"]


def test_a_failed_trial_is_not_tried_again_nor_the_best(tmp_path):
    before = searching(tmp_path)
    run(before, most=1)
    failed = before.create_trial("one")
    end(before, failed, TrialStatus.FAILED)
    after = searching(tmp_path)
    assert failed.trial_id not in [trial.trial_id for trial in run(after)]
    assert len(after.trials) == 5
    assert after.trials[failed.trial_id].status == TrialStatus.FAILED


def test_what_is_remembered_is_whole_at_any_moment(tmp_path):
    asked = searching(tmp_path)
    run(asked, most=2)
    # A writer that is killed leaves this behind.
    (tmp_path / ".search.json").write_text('{"oracle": {')
    assert len(searching(tmp_path).trials) == 2
    assert len(json.loads((tmp_path / "search.json").read_text())["trials"]) == 2
