"""What `gpu.py` measures, in a process of its own for each library: a line of JSON for each case.

A step is what Keras' `fit` makes of the Trainer's network, loss and optimizer, 16 of them in one
call as there. The floor is the matrix products of these steps alone, forward and backward, on the
same device in the same types. The rows are random, with as many columns as the taxi trips.
"""

import contextlib
import importlib
import itertools
import json
import os
import statistics
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

TOGETHER = 16  # steps of one call, as the Trainer's
AHEAD = 8  # calls whose rows are gathered at once, as the Trainer's batches
ROUNDS = 100  # of XGBoost
REPEATS = 20
PATIENCE = 2.0  # seconds after which nothing is measured more than three times
NUMBERS = 8
VOCABULARIES = (14, 26, 9, 79, 79, 8, 102, 202)  # indices of each category column
MODEL = {"members": 8, "hidden": [128, 128], "dropout": 0.2, "embedding": 16}
LEARNING = {"learning_rate": 2e-3, "weight_decay": 1e-4}
"""The settings' defaults."""

Array = npt.NDArray[Any]
Rows = tuple[dict[str, Array], Array]  # inputs by name, and labels `[n, 1]`


class Product(NamedTuple):
    """The matrix products of a layer: `count` times `[rows, inner]` by `[inner, outer]`."""

    count: int
    rows: int
    inner: int
    outer: int
    type: str
    backward: int
    """1 where only the weights have a gradient, 2 where the inputs have one, too."""

    @property
    def operations(self) -> int:
        """Floating-point operations of a step."""
        return 2 * self.count * self.rows * self.inner * self.outer * (1 + self.backward)


def main() -> None:
    """Measure what the argument says with the library that the environment names."""
    plan = json.loads(sys.argv[1])
    if os.environ["KERAS_BACKEND"] == "xgboost":
        boosted(plan["rows"])
    else:
        trained(plan["rows"], plan["cases"])


def trained(rows: int, cases: list[Any]) -> None:
    """Measures the network; a case is the rows of a step, the members and the precision."""
    import keras

    versions = [f"{each.__name__} {each.__version__}" for each in (library(), keras)]
    say(device=device(), versions=versions)
    table = table_of(rows)
    for case in cases:
        size, members, precision = case
        try:
            keras.utils.set_random_seed(7)
            keras.config.set_dtype_policy(precision)
            say(case=case, **timings(network_of(members), table, size))
        # What one case can't have, memory above all, must not end the others.
        except Exception as error:
            said = f"{type(error).__name__}: {error}".splitlines()[0][:200]
            say(case=case, failed="out of memory" if "exhausted" in said.lower() else said)


def say(**record: Any) -> None:
    """Hands a record to the parent, and shows it."""
    for file in (sys.stdout, sys.stderr):
        print(json.dumps(record), file=file, flush=True)


def library() -> Any:
    """Returns the library behind Keras."""
    import keras

    return importlib.import_module(keras.backend.backend())


def device() -> str:
    """Returns the name of what the library computes on; `cpu` without a GPU."""
    behind = library()
    if behind.__name__ == "jax":
        return str(behind.devices()[0].device_kind)
    details = behind.config.experimental.get_device_details
    gpus = behind.config.list_physical_devices("GPU")
    return str(details(gpus[0])["device_name"]) if gpus else "cpu"


def table_of(rows: int) -> Rows:
    """Returns random rows as Transform would write them, but for the 64 bits of the categories."""
    rng = np.random.default_rng(7)
    columns = {
        "numeric": rng.standard_normal((rows, 2 * NUMBERS), dtype="float32"),
        "missing": np.zeros((rows, NUMBERS), "float32"),
        "categories": rng.integers(0, VOCABULARIES, (rows, len(VOCABULARIES)), dtype="int32"),
    }
    return columns, rng.integers(0, 2, (rows, 1)).astype("float32")


def network_of(members: int) -> Any:
    """Returns the network, compiled as by the Trainer."""
    from beltline.models.features import Features
    from beltline.models.loss import MemberLoss
    from beltline.models.network import build_network
    from beltline.models.schedule import make_optimizer

    numeric = tuple(f"number {i}" for i in range(NUMBERS))
    categorical = tuple(f"category {i}" for i in range(len(VOCABULARIES)))
    types = dict.fromkeys(numeric, "number") | dict.fromkeys(categorical, "text")
    # A label of two classes; the rest says how Transform would encode columns.
    label: Any = ("label", "binary", ("no", "yes"), {}, "quantile", 1000, 2)
    features = Features(types, numeric, categorical, {}, *label)
    network = build_network(features, VOCABULARIES, {**MODEL, "members": members})
    network.compile(make_optimizer(LEARNING, 10_000), MemberLoss("binary"))
    network.optimizer.build(network.trainable_variables)
    return network


def timings(network: Any, rows: Rows, size: int) -> dict[str, float]:
    """Returns a case's timings: milliseconds of a step, seconds of an epoch."""
    step, batches = steps_of(network), batches_of(rows, size, 0)
    compile_s = seconds_of(lambda: step(batches), 0)[0]
    alone = statistics.median(seconds_of(lambda: step(batches))) / TOGETHER
    with contextlib.closing(from_host(rows, size)) as host:
        # Some calls wait for rows and some don't: their median would hide it.
        fed = statistics.mean(seconds_of(lambda: step(next(host)), AHEAD)) / TOGETHER
    products = products_of(network, size)
    floor = statistics.median(seconds_of(floor_of(products))) / TOGETHER
    return {
        "step_ms": alone * 1000,
        "floor_ms": floor * 1000,
        "floor_tflops": sum(each.operations for each in products) / floor / 1e12,
        "fed_ms": fed * 1000,
        "epoch_s": fed * len(rows[1]) / size,
        "compile_s": compile_s,
    }


def seconds_of(call: Callable[[], Any], unmeasured: int = 2) -> list[float]:
    """Returns the seconds of each of several calls, after some that don't count."""
    # A small tensor; when it can be read, all that it was computed with is done.
    read = importlib.import_module("keras").ops.convert_to_numpy
    for _ in range(unmeasured):
        read(call())
    found: list[float] = []
    end = time.perf_counter() + PATIENCE
    while len(found) < 3 or (len(found) < REPEATS and time.perf_counter() < end):
        began = time.perf_counter()
        read(call())
        found.append(time.perf_counter() - began)
    return found


def batches_of(rows: Rows, size: int, seed: int) -> Any:
    """Returns random rows for some steps, `[steps, size, …]` each, on the device."""
    import keras

    columns, labels = rows
    index = np.random.default_rng(seed).integers(0, len(labels), (TOGETHER, size))
    batches = {name: np.take(each, index, axis=0) for name, each in columns.items()}
    return keras.tree.map_structure(
        keras.ops.convert_to_tensor, (batches, np.take(labels, index, axis=0))
    )


def from_host(rows: Rows, size: int) -> Iterator[Any]:
    """Yields batches that threads gather, and copy to the device, ahead of the steps."""
    with ThreadPoolExecutor(AHEAD) as pool:
        ahead = deque(pool.submit(batches_of, rows, size, seed) for seed in range(AHEAD))
        for seed in itertools.count(AHEAD):
            ahead.append(pool.submit(batches_of, rows, size, seed))
            yield ahead.popleft().result()


def steps_of(network: Any) -> Callable[[Any], Any]:
    """Returns what trains the network on stacked batches, and returns a loss."""
    tf = library()
    if tf.__name__ == "jax":
        return _steps_of_jax(network)
    train = tf.autograph.experimental.do_not_convert(network.train_step)

    @tf.function
    def steps(batches: Any) -> Any:
        loss = tf.constant(0.0)
        for i in tf.range(TOGETHER):
            inputs, labels = batches
            loss = train(({name: each[i] for name, each in inputs.items()}, labels[i]))["loss"]
        return loss

    return steps


def _steps_of_jax(network: Any) -> Callable[[Any], Any]:
    """Here the weights are a value, which each call takes from the last."""
    jax = library()

    def step(state: Any, batch: Any) -> Any:
        logs, state = network.train_step(state, batch)
        return state, logs["loss"]

    steps = jax.jit(lambda state, batches: jax.lax.scan(step, state, batches), donate_argnums=0)
    weights = (network.trainable_variables, network.non_trainable_variables)
    others = (network.optimizer.variables, network.metrics_variables)
    state = tuple([each.value for each in kind] for kind in (*weights, *others))

    def call(batches: Any) -> Any:
        nonlocal state
        state, losses = steps(state, batches)
        return losses

    return call


def products_of(network: Any, size: int) -> list[Product]:
    """Returns the matrix products of a step."""
    from beltline.models.members import MemberDense

    found = []
    for layer in network.layers:
        if isinstance(layer, MemberDense):
            (members, width), units = layer.scale_in.shape, layer.units
            shared = len(layer.input.shape) == 2
            rows, outer = (size, members * units) if shared else (size * members, units)
            found.append(Product(1, rows, width, outer, layer.compute_dtype, 2))
        elif type(layer).__name__ == "EinsumDense":
            count, inner, outer = layer.kernel.shape
            backward = 1 if layer.name == "pieces" else 2
            found.append(Product(count, size, inner, outer, layer.compute_dtype, backward))
    return found


def floor_of(products: list[Product]) -> Callable[[], Any]:
    """Returns what makes these products for some steps, and nothing else."""
    import keras

    ops, normal = keras.ops, keras.random.normal
    inputs, start = [], []
    for count, rows, inner, outer, type_, _ in products:
        inputs.append(normal((count, rows, inner), stddev=rows**-0.5, dtype=type_))
        weights = normal((count, inner, outer), stddev=inner**-0.5, dtype=type_)
        start.append((weights, ops.zeros_like(inputs[-1])))

    def once(product: Product, x: Any, weights: Any, of_inputs: Any) -> tuple[Any, Any]:
        outputs = ops.matmul(x, weights)
        of_weights = ops.matmul(ops.swapaxes(x, 1, 2), outputs)
        if product.backward == 2:
            of_inputs = ops.matmul(outputs, ops.swapaxes(weights, 1, 2))
        # Each step needs the weights of the last, or a compiler would make the products once.
        return weights - 1e-3 * of_weights, of_inputs

    def steps(inputs: Any, start: Any) -> Any:
        def step(_: Any, made: Any) -> Any:
            together = zip(products, inputs, made, strict=True)
            return [once(product, x, *last) for product, x, last in together]

        return ops.fori_loop(0, TOGETHER, step, start)

    behind = library()
    program = (behind.jit if behind.__name__ == "jax" else behind.function)(steps)
    return lambda: program(inputs, start)[-1][0]


def boosted(rows: int) -> None:
    """Measures XGBoost on the same rows."""
    xgboost = importlib.import_module("xgboost")
    columns, labels = table_of(rows)
    data = np.concatenate([columns["numeric"][:, :NUMBERS], columns["categories"]], axis=1)
    settings = {"objective": "binary:logistic", "device": "cuda"}
    matrix = xgboost.QuantileDMatrix(data.astype("float32"), labels)
    first = xgboost.train(settings, matrix, 2)
    used = json.loads(first.save_config())["learner"]["generic_param"]["device"]
    began = time.perf_counter()
    xgboost.train(settings, matrix, ROUNDS)
    say(
        device=used,
        rounds_s=time.perf_counter() - began,
        versions=[f"xgboost {xgboost.__version__}"],
    )


if __name__ == "__main__":
    main()
