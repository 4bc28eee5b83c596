"""What a trial of the Tuner trains; whole searches are those of test_tuner.py."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from beltline.models import trials
from beltline.models.config import from_config
from beltline.models.job import Job
from beltline.models.learned import Attempt, Learned
from tests.models.rows import config


def test_a_trial_trains_one_network(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Attempt] = []

    def learned(job: Job, attempt: Attempt) -> Learned:
        asked.append(attempt)
        return Learned(None, np.zeros((3, 1)))  # type: ignore[arg-type] # no model is asked

    monkeypatch.setattr(trials, "learned", learned)
    typed = from_config(config())
    objective = SimpleNamespace(losses=lambda outputs, labels: np.arange(3.0))
    nothing: Any = SimpleNamespace(labels=np.zeros(3))
    job = Job(typed, None, nothing, nothing, objective)  # type: ignore[arg-type] # as above
    assert typed.tuning is not None
    assert trials.validation_loss({}, job, typed.tuning, None) == 1.0  # type: ignore[arg-type]
    assert [each.in_folds for each in asked] == [False]
