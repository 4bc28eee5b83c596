"""A process' share of the rows of train and validation."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow_transform as tft

from beltline.models.config import Config, from_config
from beltline.models.job import Job, make_repeatable
from beltline.models.objective import Objective
from beltline.models.reading import Split, read_split

Array = npt.NDArray[Any]


@dataclasses.dataclass(frozen=True)
class Share:
    """The rows of one process."""

    rank: int
    """The number of the process."""
    size: int
    """How many there are."""
    config: Config
    transform: tft.TFTransformOutput
    train: Split
    validation: Split

    def job(self, objective: Mapping[str, Any]) -> Job:
        """Returns a job on these rows alone.

        Args:
          objective: an `Objective`, of the rows of all processes.
        """
        whole = Objective(**objective)
        return Job(self.config, self.transform, self.train, self.validation, whole)

    def labels(self) -> list[Array]:
        """Returns the labels of both splits, small enough to be sent."""
        classes = len(self.config.features.classes)
        kind = np.min_scalar_type(classes) if classes else np.float32
        return [split.labels.astype(kind) for split in (self.train, self.validation)]


def read_share(
    rank: int,
    size: int,
    custom_config: Mapping[str, Any],
    files: Sequence[Sequence[str]],
    graph: str,
) -> Share:
    """Seeds everything random and reads the share.

    Args:
      rank: the number of the process.
      size: how many there are.
      custom_config: the Trainer's.
      files: patterns of the train and the validation split.
      graph: folder of TF Transform's output.
    """
    config, transform = from_config(custom_config), tft.TFTransformOutput(graph)
    make_repeatable(config.training.seed, config.training.xla)
    train, validation = (read_split(each, transform, config.features, size, rank) for each in files)
    return Share(rank, size, config, transform, train, validation)
