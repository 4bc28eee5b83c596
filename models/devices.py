"""Where training runs: every GPU that there is, else the CPU.

To support another kind of device, return its `tf.distribute` strategy from `choose_devices`.
"""

import contextlib
import dataclasses
import logging
from collections.abc import Iterator

import keras
import tensorflow as tf

LOG = logging.getLogger("beltline.trainer")


@dataclasses.dataclass(frozen=True)
class Devices:
    """What training runs on."""

    strategy: tf.distribute.Strategy
    policy: str
    """Keras' dtype policy."""

    @property
    def replicas(self) -> int:
        """Copies of the network that are trained in step."""
        return int(self.strategy.num_replicas_in_sync)

    @contextlib.contextmanager
    def scope(self) -> Iterator[None]:
        """Networks built inside are placed on these devices and compute in this precision."""
        before = keras.config.dtype_policy()
        keras.config.set_dtype_policy(self.policy)
        try:
            with self.strategy.scope():
                yield
        finally:
            keras.config.set_dtype_policy(before)


def choose_devices(mixed_precision: str) -> Devices:
    """Finds the GPUs, and says on one line what was found and chosen.

    Args:
      mixed_precision: `off`, `float16` or `bfloat16`; only GPUs heed it.
    """
    gpus = tf.config.list_physical_devices("GPU")
    for gpu in gpus:
        _grow_memory(gpu)
    wanted = mixed_precision != "off"
    devices = Devices(
        tf.distribute.MirroredStrategy() if len(gpus) > 1 else tf.distribute.get_strategy(),
        f"mixed_{mixed_precision}" if wanted and gpus else "float32",
    )
    found = ", ".join(_name(gpu) for gpu in gpus) or "no GPU, the CPU"
    ignored = f" (mixed precision {mixed_precision} is for GPUs)" if wanted and not gpus else ""
    LOG.info(
        "training on %s: %s, %d %s, %s%s",
        found,
        type(devices.strategy).__name__.lstrip("_"),
        devices.replicas,
        "copy" if devices.replicas == 1 else "copies in step",
        devices.policy,
        ignored,
    )
    return devices


def _grow_memory(gpu: tf.config.PhysicalDevice) -> None:
    try:
        tf.config.experimental.set_memory_growth(gpu, True)
    except RuntimeError:
        LOG.info("%s is already in use: its memory is taken as a whole", gpu.name)


def _name(gpu: tf.config.PhysicalDevice) -> str:
    return str(tf.config.experimental.get_device_details(gpu).get("device_name", gpu.name))
