"""What is chosen where; a machine without a GPU is what these tests run on."""

import logging

import pytest
import tensorflow as tf

from beltline.models.devices import Devices, choose_devices, precision_of

pytestmark = pytest.mark.skipif(
    bool(tf.config.list_physical_devices("GPU")), reason="asks what happens without a GPU"
)


@pytest.mark.parametrize(
    ("capabilities", "chosen"),
    [
        ([], None),
        ([(6, 1)], None),
        ([(7, 0)], "float16"),
        ([(7, 5)], "float16"),
        ([(8, 0)], "bfloat16"),
        ([(9, 0), (9, 0)], "bfloat16"),
        ([(9, 0), (7, 5)], "float16"),
        ([(10, 0)], "bfloat16"),
    ],
)
def test_the_precision_is_what_the_weakest_gpu_computes_fast(capabilities, chosen):
    assert precision_of(capabilities) == chosen


def test_a_gpu_that_is_required_and_missing_is_an_error_that_says_what_to_do():
    with pytest.raises(ValueError, match=r"nvidia-smi.*`training.gpu: preferred`"):
        choose_devices(gpu="required")


def test_the_cpu_takes_its_place_with_a_warning(caplog):
    with caplog.at_level(logging.INFO, "beltline.trainer"):
        devices = choose_devices()
    warning, line = caplog.records
    assert warning.levelname == "WARNING" and "no GPU was found" in warning.message
    assert line.message == (
        "training on no GPU, the CPU: DefaultDistributionStrategy, 1 copy, float32, XLA off"
    )
    assert (devices.replicas, devices.policy, devices.xla) == (1, "float32", False)


def test_without_a_wish_for_a_gpu_there_is_no_warning(caplog):
    with caplog.at_level(logging.INFO, "beltline.trainer"):
        choose_devices("float16", gpu="off", xla="on")
    (line,) = caplog.messages
    assert line == (
        "training on the CPU, as `training.gpu: off` says: DefaultDistributionStrategy, 1 copy, "
        "float32 (mixed precision float16 is for GPUs), XLA on"
    )


def test_the_precision_holds_inside_the_scope_alone():
    import keras

    before = keras.config.dtype_policy()
    with Devices(tf.distribute.get_strategy(), "mixed_bfloat16").scope():
        assert keras.config.dtype_policy().compute_dtype == "bfloat16"
    assert keras.config.dtype_policy() == before
