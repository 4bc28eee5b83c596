"""How many trials at once, and on what; the trials themselves are in components/test_tuner.py."""

import os

import pytest
import tensorflow as tf

from beltline.models.trial_processes import environments


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch):
    """Says how many GPUs and cores there are."""

    def has(gpus: int, cores: int) -> None:
        monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: [kind] * gpus)
        monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(cores)))

    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    return has


def test_on_the_cpu_one_at_a_time_unless_asked_for(machine):
    machine(gpus=0, cores=8)
    assert len(environments("auto", "preferred")) == 1
    found = environments(3, "preferred")
    assert len(found) == 3
    assert {each["TF_NUM_INTRAOP_THREADS"] for each in found} == {"2"}


def test_never_more_than_cores(machine):
    machine(gpus=0, cores=2)
    assert [each["OMP_NUM_THREADS"] for each in environments(5, "preferred")] == ["1", "1"]


def test_a_gpu_for_each(machine):
    machine(gpus=4, cores=8)
    assert [each["CUDA_VISIBLE_DEVICES"] for each in environments("auto", "preferred")] == [
        "0",
        "1",
        "2",
        "3",
    ]
    assert [each["CUDA_VISIBLE_DEVICES"] for each in environments(2, "preferred")] == ["0", "1"]
    assert len(environments(9, "preferred")) == 4


def test_only_the_gpus_that_this_process_sees(machine, monkeypatch):
    machine(gpus=2, cores=8)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "5,GPU-abc")
    found = [each["CUDA_VISIBLE_DEVICES"] for each in environments("auto", "preferred")]
    assert found == ["5", "GPU-abc"]


def test_gpus_that_are_left_alone_count_for_nothing(machine):
    machine(gpus=4, cores=2)
    [found] = environments("auto", "off")
    assert found["OMP_NUM_THREADS"] == "2"
