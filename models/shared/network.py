"""A process' copy of the network, which learns from its share of the rows.

All copies make the same step: each has its part of the step's rows, and the gradients of all parts
are added up to the one of their mean. So the weights stay the same in all of them.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from beltline.models.devices import Devices
from beltline.models.fitting import on_one_device
from beltline.models.learners import digest_of

if TYPE_CHECKING:
    from beltline.models.shared.worker import Worker

Array = npt.NDArray[Any]
Ended = tuple[float, int, str, list[Array]]
"""Of a pass: loss of the validation rows, added up, their number, the weights' digest, and the
variables, of the first process alone."""

_JUDGED = 4096  # rows of one step of the validation
_SEED = 1_000_003  # from one process' dropout to the next one's


class Copy:
    """The copy of one process.

    Args:
      worker: has the rows.
    """

    def __init__(self, worker: "Worker") -> None:
        self._share, self._together = worker.share, worker.collective

    def build(
        self,
        objective: Mapping[str, Any],
        hyperparameters: Mapping[str, Any],
        policy: str,
        steps: int | None,
    ) -> None:
        """Builds the network.

        Args:
          objective: an `Objective`, of the rows of all processes.
          hyperparameters: the network's and the optimizer's.
          policy: Keras' dtype policy, the same for all processes.
          steps: as of `Job.compiled`.
        """
        self._job, self._hyperparameters = self._share.job(objective), hyperparameters
        self._xla = self._share.config.training.xla == "on"
        devices = Devices(tf.distribute.get_strategy(), policy, self._xla)
        with devices.scope():
            self._network = self._job.compiled(hyperparameters, devices, steps=steps)

    def start(self, steps: int, passes: range, variables: Sequence[Array]) -> None:
        """Starts with the first of these passes.

        Args:
          steps: of a pass.
          passes: their numbers.
          variables: as `variables_of` lists them; the masks of a dropout differ by process.
        """
        for variable, value in zip(variables_of(self._network), variables, strict=True):
            variable.assign(value)
            if variable.name == "seed_generator_state":
                variable.assign_add([_SEED * self._share.rank, 0])
        train, target = self._job.train, self._job.objective.target
        rows = train.batches(_JUDGED, target, self._job.config.training.seed, passes)
        bounds = np.arange(steps + 1) * len(train.labels) // steps
        self._rows = iter(rows.rebatch(np.diff(bounds)).prefetch(8))
        self._validation = self._job.validation.batches(_JUDGED, target)
        self._learn, self._judge = _repeated(self._step), _repeated(self._judged)

    def learn(self, steps: int) -> tuple[float, float]:
        """Makes steps; returns the loss of all processes' rows, added up, and their number."""
        loss, rows = self._learn(self._rows, tf.constant(steps)).numpy()
        return float(loss), float(rows)

    def end(self) -> Ended:
        """Ends a pass."""
        self._level()
        judged = self._job.validation
        steps = judged.steps(_JUDGED)
        loss, _ = self._judge(iter(self._validation), tf.constant(steps)).numpy()
        kept = [] if self._share.rank else arrays_of(self._network)
        return float(loss), len(judged.labels), digest_of(self._network), kept

    def outputs(self, weights: Sequence[Array]) -> Array:
        """Returns what a network of these weights says of the validation rows, `[n, u]`."""
        if not len(self._job.validation.labels):
            return np.zeros((0, len(self._job.objective.output_bias)), "float32")
        self._network.set_weights(weights)
        plain = on_one_device(self._network, self._job, self._hyperparameters)
        return self._job.outputs(plain)

    def _step(self, *batch: Any) -> tf.Tensor:
        variables, rows = self._network.trainable_variables, _rows_of(batch)
        made = tf.function(self._gradients, autograph=False, jit_compile=True)
        loss, gradients = (made if self._xla else self._gradients)(*batch)
        sparse = [_times(each, rows) for each in gradients if _is_sparse(each)]
        dense = [each * rows for each in gradients if not _is_sparse(each)]
        shapes = [
            variable.shape
            for variable, each in zip(variables, gradients, strict=True)
            if not _is_sparse(each)
        ]
        flat = [tf.reshape(each, [-1]) for each in dense]
        total = self._together.total(tf.concat([*flat, [loss * rows, rows]], axis=0))
        slices = iter(self._together.slices(sparse))
        sums = tf.split(total[:-2], [shape.num_elements() for shape in shapes])
        added = iter([tf.reshape(*each) for each in zip(sums, shapes, strict=True)])
        mean = [
            _times(next(slices), 1 / total[-1]) if _is_sparse(each) else next(added) / total[-1]
            for each in gradients
        ]
        self._network.optimizer.apply(mean, variables)
        return total[-2:]

    def _gradients(self, *batch: Any) -> tuple[tf.Tensor, list[Any]]:
        """Returns the loss and the gradients of this process' rows."""
        network = self._network
        with tf.GradientTape() as tape:
            loss = self._loss(True, *batch)
            scaled = network.optimizer.scale_loss(loss)
        variables = network.trainable_variables
        return loss, tape.gradient(scaled, variables, unconnected_gradients="zero")

    def _judged(self, *batch: Any) -> tf.Tensor:
        return tf.stack([self._loss(False, *batch), 1.0]) * _rows_of(batch)

    def _loss(self, training: bool, inputs: Any, target: Any, *weights: Any) -> tf.Tensor:
        outputs = self._network(inputs, training=training)
        return self._network.compute_loss(inputs, target, outputs, *weights, training=training)

    def _level(self) -> None:
        """Replaces what copies learn without a gradient, such as averages, by its mean."""
        network = self._network
        learned = [each for each in network.non_trainable_weights if "float" in each.dtype]
        for variable in learned:
            flat = tf.reshape(tf.cast(variable.value, "float32"), [-1])
            total = self._together.total(tf.concat([flat, [1.0]], axis=0))
            variable.assign(tf.reshape(total[:-1] / total[-1], variable.shape))


def variables_of(network: keras.Model) -> list[Any]:
    """Returns the variables of a compiled network, its random generators and its optimizer."""
    return [*network.variables, *network.optimizer.variables]


def arrays_of(network: keras.Model) -> list[Array]:
    """Returns the values of `variables_of`."""
    return [keras.ops.convert_to_numpy(each) for each in variables_of(network)]


def _is_sparse(gradient: Any) -> bool:
    return isinstance(gradient, tf.IndexedSlices)


def _times(slices: tf.IndexedSlices, factor: tf.Tensor) -> tf.IndexedSlices:
    return tf.IndexedSlices(slices.values * factor, slices.indices, slices.dense_shape)


def _rows_of(batch: Sequence[Any]) -> tf.Tensor:
    return tf.cast(tf.shape(batch[1])[0], "float32")


def _repeated(step: Callable[..., tf.Tensor]) -> Callable[[Iterator[Any], tf.Tensor], tf.Tensor]:
    """Returns what makes steps with an iterator's batches, and adds up their pairs of numbers."""

    def run(batches: Iterator[Any], steps: tf.Tensor) -> tf.Tensor:
        def once(number: tf.Tensor, sums: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            return number + 1, sums + tf.cast(step(*next(batches)), "float64")

        start = tf.constant(0), tf.zeros(2, "float64")
        # One after another, as their sums must come in the same order in all processes.
        _, sums = tf.while_loop(
            lambda number, _: number < steps, once, start, parallel_iterations=1
        )
        return sums

    return tf.function(run, autograph=False)
