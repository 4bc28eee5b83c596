"""What the network minimises, and that no backend of Keras is named there."""

import ast
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

from beltline.models.features import Task
from beltline.models.loss import MemberLoss


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_the_loss_of_members_is_the_mean_of_each_ones_loss(task: Task) -> None:
    rng = np.random.default_rng(0)
    units = 3 if task == "multiclass" else 1
    outputs = rng.normal(size=(5, 4, units)).astype("float32")
    target = rng.integers(0, 2, (5, 1))
    if task != "multiclass":
        target = target.astype("float32")
    weights = rng.random(5).astype("float32")
    loss = MemberLoss(task)
    each = [float(loss(target, outputs[:, member], weights)) for member in range(4)]
    assert float(loss(target, outputs, weights)) == pytest.approx(np.mean(each), rel=1e-5)
    reference = {
        "binary": keras.losses.BinaryCrossentropy(from_logits=True),
        "multiclass": keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        "regression": keras.losses.MeanSquaredError(),
    }[task]
    assert each[0] == pytest.approx(float(reference(target, outputs[:, 0], weights)), rel=1e-5)


def imported(module: str) -> set[str]:
    """The modules that one of ours imports, and those that these import."""
    file = Path(__file__).parents[2] / f"{module.removeprefix('beltline.').replace('.', '/')}.py"
    names = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add(str(node.module))
    ours = [name for name in names if name.startswith("beltline.")]
    return names.union(*(imported(name) for name in ours))


@pytest.mark.parametrize("name", ["network", "loss", "schedule"])
def test_any_backend_of_keras_can_train_the_network(name: str) -> None:
    """`benchmarks/gpu.py` trains it on JAX, where there is no TensorFlow."""
    packages = {module.partition(".")[0] for module in imported(f"beltline.models.{name}")}
    assert "keras" in packages
    assert packages - sys.stdlib_module_names <= {"beltline", "keras", "numpy"}
