"""A training's job whose rows are with processes that train together."""

import dataclasses
import logging
from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf
import tensorflow_transform as tft

from beltline.models.config import Config
from beltline.models.devices import Devices
from beltline.models.job import Job, check_labels, make_repeatable
from beltline.models.objective import make_objective
from beltline.models.reading import Split
from beltline.models.recipe import Recipe
from beltline.models.shared.processes import Parts, Processes

Array = npt.NDArray[Any]

LOG = logging.getLogger("beltline.trainer")

WORKER = "beltline.models.shared.worker.Worker"


@dataclasses.dataclass(frozen=True)
class LabelsAlone(Split):
    """A split whose rows are with the processes: their labels, in the order of the ranks."""

    fewest: int
    """Rows of the process that has the fewest: no step is without rows in any of them."""

    def steps(self, size: int) -> int:
        """Returns the number of steps of one pass, the same for all processes."""
        return min(super().steps(size), self.fewest)


@dataclasses.dataclass(frozen=True)
class SharedJob(Job):
    """A job of which this process has the labels alone."""

    def steps_together(self, devices: Devices, limit: int | None = None) -> int:
        """Returns 1: how many steps a call has is found as they are made."""
        return 1

    def compiled(
        self,
        hyperparameters: Mapping[str, Any],
        devices: Devices | None = None,
        together: int = 1,
        steps: int | None = None,
    ) -> keras.Model:
        """Returns the untrained network, and makes a copy of it in each process."""
        objective = dataclasses.asdict(self.objective)
        policy = keras.config.dtype_policy().name
        self._copies.call("build", objective, dict(hyperparameters), policy, steps)
        return super().compiled(hyperparameters, devices, together, steps)

    def fit(
        self, network: keras.Model, devices: Devices, passes: range, callbacks: Sequence[Any]
    ) -> None:
        """Trains the copies, and gives the network what they have learned."""
        # A training of trees alone travels without it.
        from beltline.models.shared.passes import Passes

        steps = self.train.steps(self.rows_per_step(devices))
        Passes(self._copies, network, steps, callbacks).make(passes, judge=not self.recipe)

    def outputs(self, network: keras.Model) -> Array:
        """Returns what the network says of the validation split, in the order of the labels."""
        return np.concatenate(self._copies.call("outputs", network.get_weights()))

    @property
    def _copies(self) -> Parts:
        return self.processes.of("network")


@dataclasses.dataclass(frozen=True)
class DevicesOfAll(Devices):
    """What the processes train on; this one only keeps what they have learned."""

    of_each: Sequence[str] = ()

    @property
    def described(self) -> list[str]:
        """What the weights depend on, in each of them."""
        return [*super().described, *self.of_each]


class Workers:
    """The processes of a training, each with a `Worker` that has read its share of the rows."""

    def __init__(self, processes: Processes) -> None:
        self._processes = processes
        self._shards: Any = None

    def of(self, learner: str) -> Parts:
        """Returns the processes' parts of a learner."""
        return Parts(self._processes, learner)

    def begin(self, job: Job, plan: Any) -> Any:
        """Begins a booster of all of them, see `models/trees/shared/shards.py`."""
        from beltline.models.trees.shared.shards import Shards

        self._shards = self._shards or Shards(self.of("trees"))
        return self._shards.begin(job, plan)


def shared_job(fn_args: Any, config: Config, recipe: Recipe | None) -> tuple[Job, Devices]:
    """Returns a job like `job.prepare` does, of whose rows this process has the labels alone.

    Args:
      fn_args: the Trainer's; `processes(number, factory)` returns processes, each with an object
        of the factory, a dotted name.
      config: the same as `fn_args.custom_config`.
      recipe: what an earlier training has found.

    Returns:
      The job, and the devices that stand for those of the processes.

    Raises:
      ValueError: a split is empty or, for a classification, has one class only; or there are
        fewer rows than processes.
      RuntimeError: a process has ended, or can't be reached.
    """
    features, training = config.features, config.training
    make_repeatable(training.seed, training.xla)
    processes = fn_args.processes(training.workers, WORKER)
    policy = _connected(processes, fn_args, config, recipe)
    files = [list(fn_args.train_files), list(fn_args.eval_files)]
    graph = fn_args.transform_output
    read = processes.call("read", dict(fn_args.custom_config), files, graph)
    train, validation = (_split([labels[n] for labels, _ in read]) for n in (0, 1))
    check_labels("train", train, features)
    if recipe is None:
        check_labels("validation", validation, features)
    if not train.fewest:
        raise ValueError(
            f"training.workers: {training.workers}, and a worker has none of the "
            f"{len(train.labels):,} rows of the train split: use fewer"
        )
    objective = make_objective(train.labels, features, training.imbalance)
    workers, transform = Workers(processes), tft.TFTransformOutput(graph)
    job = SharedJob(config, transform, train, validation, objective, recipe, workers)
    of_each = [", ".join(described) for _, described in read]
    LOG.info(
        "%d processes train together, on %s: %s",
        *(len(read), ", ".join(sorted(set(processes.hosts))), "; ".join(sorted(set(of_each)))),
    )
    here = tf.distribute.get_strategy()
    return job, DevicesOfAll(here, policy, training.xla == "on", of_each)


def _connected(processes: Processes, fn_args: Any, config: Config, recipe: Recipe | None) -> str:
    """Connects those that train a network; returns Keras' dtype policy for all of them."""
    policies = {"float32"}
    learners = (recipe and recipe.learners) or config.model.learners
    if "network" in learners:
        ports = processes.call("listen")
        hosts = list(processes.hosts)
        processes.call("reach", hosts, ports)
        policies = set(processes.call("join", dict(fn_args.custom_config), hosts, ports))
    # The weights must not depend on which process computes.
    return str(policies.pop()) if len(policies) == 1 else "float32"


def _split(labels: Sequence[Array]) -> LabelsAlone:
    """Returns the labels of all processes, in the order of their ranks, as a split without rows."""
    joined = np.concatenate(labels)
    kind = np.int64 if np.issubdtype(joined.dtype, np.integer) else joined.dtype
    nothing = tf.data.Dataset.range(0)
    return LabelsAlone(joined.astype(kind), None, nothing, min(map(len, labels)))
