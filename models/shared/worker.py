"""The object of a process that trains together with others."""

import importlib
import socket
from collections.abc import Mapping, Sequence
from typing import Any

import numpy.typing as npt
import tensorflow as tf

from beltline.models.config import from_config
from beltline.models.devices import Devices, choose_devices, cores
from beltline.models.shared.collective import Collective, addresses, reach, reserved
from beltline.models.shared.share import Share, read_share

Array = npt.NDArray[Any]

_PARTS = {
    "network": "beltline.models.shared.network.Copy",
    "trees": "beltline.models.trees.shared.shard.Shard",
}
"""What makes a process' part of each learner, of the worker."""


class Worker:
    """A process' share of the rows, and its part of the learner that is being trained.

    Args:
      rank: its number.
      size: how many there are.
    """

    share: Share
    collective: Collective

    def __init__(self, rank: int, size: int) -> None:
        self.rank, self.size = rank, size
        self.devices = Devices(tf.distribute.get_strategy(), "float32")
        self._port: socket.socket | None = None
        self._part: tuple[str, Any] = ("", None)

    def listen(self) -> int:
        """Returns a free port, which is kept until `join`."""
        self._port = reserved()
        self._port.listen(self.size)
        return int(self._port.getsockname()[1])

    def reach(self, hosts: Sequence[str], ports: Sequence[int]) -> None:
        """Connects to all processes at their ports, as a trial.

        Args:
          hosts: of all processes in the order of their ranks.
          ports: theirs.

        Raises:
          RuntimeError: one can't be reached.
        """
        reach(addresses(hosts, ports))

    def join(
        self, custom_config: Mapping[str, Any], hosts: Sequence[str], ports: Sequence[int]
    ) -> str:
        """Connects TensorFlow to the other processes; to be called before anything is computed.

        Args:
          custom_config: the Trainer's.
          hosts: of all processes in the order of their ranks.
          ports: theirs.

        Returns:
          Keras' dtype policy for the device that was chosen.
        """
        training = from_config(custom_config).training
        tf.config.threading.set_intra_op_parallelism_threads(cores())
        tf.config.threading.set_inter_op_parallelism_threads(cores())
        if gpus := tf.config.list_physical_devices("GPU"):
            # Those on one machine take turns.
            turn = hosts[: self.rank].count(hosts[self.rank]) % len(gpus)
            tf.config.set_visible_devices(gpus[turn], "GPU")
        chosen = training.mixed_precision, training.gpu, training.xla
        self.devices = choose_devices(*chosen)
        if self._port:
            self._port.close()
        self.collective = Collective(self.rank, addresses(hosts, ports))
        return self.devices.policy

    def read(
        self, custom_config: Mapping[str, Any], files: Sequence[Sequence[str]], graph: str
    ) -> tuple[list[Array], list[str]]:
        """Reads the share, as `read_share` does.

        Returns:
          The labels of both splits, and what else the outcome of the training depends on.
        """
        self.share = read_share(self.rank, self.size, custom_config, files, graph)
        return self.share.labels(), [f"{cores()} threads", *self.devices.described]

    def ask(self, learner: str, method: str, *arguments: Any) -> Any:
        """Returns what a method returns of this process' part of a learner.

        The part of the learner before is given up, and its memory with it.
        """
        if self._part[0] != learner:
            self._part = ("", None)
            module, _, name = _PARTS[learner].rpartition(".")
            self._part = learner, getattr(importlib.import_module(module), name)(self)
        return getattr(self._part[1], method)(*arguments)
