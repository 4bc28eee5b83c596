"""The devices that training runs on, every GPU or else the CPU, and the precision.

To support another kind of device, return its `tf.distribute` strategy from `choose_devices`.
"""

import contextlib
import dataclasses
import logging
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import keras
import tensorflow as tf

from beltline.models.config import Gpu, Precision, Xla

LOG = logging.getLogger("beltline.trainer")

# The first compute capability whose tensor cores compute in this type.
_CAPABLE = (((8, 0), "bfloat16"), ((7, 0), "float16"))
_DRIVER = Path("/proc/driver/nvidia/version")


@dataclasses.dataclass(frozen=True)
class Devices:
    """What training runs on."""

    strategy: tf.distribute.Strategy
    policy: str
    """Keras' dtype policy."""
    xla: bool = False
    """Whether the training step is compiled by XLA."""

    @property
    def replicas(self) -> int:
        """Copies of the network that are trained in step."""
        return int(self.strategy.num_replicas_in_sync)

    @property
    def described(self) -> list[str]:
        """What the weights depend on: other devices may round otherwise."""
        kinds = sorted(each.device_type for each in tf.config.list_logical_devices())
        return [*kinds, f"{self.replicas} in step", self.policy, f"XLA {self.xla}"]

    @contextlib.contextmanager
    def scope(self) -> Iterator[None]:
        """Places networks that are built inside on these devices, in this precision."""
        before = keras.config.dtype_policy()
        keras.config.set_dtype_policy(self.policy)
        try:
            with self.strategy.scope():
                yield
        finally:
            keras.config.set_dtype_policy(before)


def choose_devices(
    mixed_precision: Precision = "auto", gpu: Gpu = "preferred", xla: Xla = "auto"
) -> Devices:
    """Returns the devices to train on, and logs what was found and chosen.

    Args:
      mixed_precision: `auto` (by what the GPUs can), `off`, `float16` or `bfloat16`; it applies to
        GPUs alone.
      gpu: `required`, `preferred` (the CPU where there is none, with a warning), or `off`.
      xla: `auto`, `on` or `off`; `auto` is off, since XLA excludes deterministic operations.

    Raises:
      ValueError: a GPU is required, and TensorFlow can't use any.
    """
    gpus = _gpus(gpu)
    wanted = _precision(mixed_precision, gpus)
    devices = Devices(
        tf.distribute.MirroredStrategy() if len(gpus) > 1 else tf.distribute.get_strategy(),
        f"mixed_{wanted}" if wanted and gpus else "float32",
        xla == "on",
    )
    ignored = f" (mixed precision {wanted} is for GPUs)" if wanted and not gpus else ""
    LOG.info(
        "training on %s: %s, %d %s, %s%s, XLA %s",
        _found(gpu, gpus),
        type(devices.strategy).__name__.lstrip("_"),
        devices.replicas,
        "copy" if devices.replicas == 1 else "copies in step",
        devices.policy,
        ignored,
        "on" if devices.xla else "off",
    )
    return devices


def cores() -> int:
    """Returns how many threads may run at once."""
    return int(os.environ.get("OMP_NUM_THREADS") or len(os.sched_getaffinity(0)))


def precision_of(capabilities: Sequence[tuple[int, int]]) -> str | None:
    """Returns the fastest type of GPUs of these compute capabilities; None for float32."""
    weakest = min(capabilities, default=(0, 0))
    return next((name for least, name in _CAPABLE if weakest >= least), None)


def _gpus(wish: Gpu) -> list[tf.config.PhysicalDevice]:
    """Returns the GPUs to use, with memory growth enabled."""
    if wish == "off":
        _hide_gpus()
        return []
    gpus = tf.config.get_visible_devices("GPU")
    for gpu in gpus:
        _grow_memory(gpu)
    if not gpus and wish == "required":
        raise ValueError(
            f"`training.gpu: required`, but no GPU was found: {_why_none()}; "
            "`training.gpu: preferred` would train on the CPU"
        )
    if not gpus:
        LOG.warning("no GPU was found: %s; using the CPU", _why_none())
    return gpus


def _precision(setting: Precision, gpus: list[tf.config.PhysicalDevice]) -> str | None:
    if setting != "auto":
        return None if setting == "off" else setting
    details = [tf.config.experimental.get_device_details(gpu) for gpu in gpus]
    return precision_of([each.get("compute_capability", (0, 0)) for each in details])


def _why_none() -> str:
    if not _DRIVER.exists():
        return "this machine, or container, shows no NVIDIA driver (`nvidia-smi` must list the GPU)"
    return (
        "there is a driver, but TensorFlow can't use it (install requirements/gpu.txt, or take "
        "the image of `make image VARIANT=gpu`; is CUDA_VISIBLE_DEVICES empty?)"
    )


def _found(wish: Gpu, gpus: list[tf.config.PhysicalDevice]) -> str:
    if gpus:
        return ", ".join(_name(gpu) for gpu in gpus)
    return "the CPU, as `training.gpu: off` says" if wish == "off" else "no GPU, the CPU"


def _hide_gpus() -> None:
    try:
        tf.config.set_visible_devices([], "GPU")
    except RuntimeError:
        LOG.warning("TensorFlow is already using the GPU: it can't be hidden any more")


def _grow_memory(gpu: tf.config.PhysicalDevice) -> None:
    try:
        tf.config.experimental.set_memory_growth(gpu, True)
    except RuntimeError:
        LOG.info("%s is already in use: its memory is taken as a whole", gpu.name)


def _name(gpu: tf.config.PhysicalDevice) -> str:
    return str(tf.config.experimental.get_device_details(gpu).get("device_name", gpu.name))
