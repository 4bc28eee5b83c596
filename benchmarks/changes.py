"""What the ablations change: a group for the network, one for the trees, one for the learners.

To add a change, add a line to its group; one that no setting makes is a network of its own in
`variants.py`.
"""

from collections.abc import Mapping
from dataclasses import dataclass

Settings = tuple[str, ...]
"""`KEY=VALUE`, as in `run --set`."""
DEFAULTS = "the defaults"


@dataclass(frozen=True)
class Group:
    """Changes that are compared with the same run."""

    title: str
    base: Settings
    changes: Mapping[str, Settings]

    def settings(self, change: str) -> Settings:
        """Returns what a change runs with; of `DEFAULTS`, the base alone."""
        return self.base if change == DEFAULTS else (*self.base, *self.changes[change])


NETWORK = Group(
    "What each default of the network is worth",
    ("model.learners=[network]",),
    {
        "1 member": ("model.members=1",),
        "1 member, wider and deeper": ("model.members=1", "model.hidden=[256, 256, 128]"),
        "4 members": ("model.members=4",),
        "16 members": ("model.members=16",),
        "numbers without curves": ("model.network_fn=variants.without_pieces",),
        "numbers as z-scores": ("features.numbers=zscore",),
        "no dropout": ("model.dropout=0",),
        "half the width": ("model.hidden=[64, 64]",),
        "a third layer": ("model.hidden=[128, 128, 128]",),
        "no weight decay": ("training.weight_decay=0",),
        "half the learning rate": ("training.learning_rate=0.001",),
        "twice the learning rate": ("training.learning_rate=0.004",),
        "the same learning rate always": ("model.run_fn=variants.with_a_constant_rate",),
        "half the passes": ("training.epochs=8",),
        "twice the passes": ("training.epochs=32",),
        "no temperature": ("model.run_fn=variants.without_temperature",),
        "the best threshold of the validation rows": (
            "model.run_fn=variants.with_the_best_threshold",
        ),
    },
)
TREES = Group(
    "What each default of the trees is worth",
    ("model.learners=[trees]",),
    {
        "half the learning rate": ("model.tree_learning_rate=0.025",),
        "twice the learning rate": ("model.tree_learning_rate=0.1",),
        "15 leaves": ("model.tree_leaves=15",),
        "63 leaves": ("model.tree_leaves=63",),
        "depth 5": ("model.tree_depth=5",),
        "10 rows in a leaf": ("model.tree_min_rows=10",),
        "40 rows in a leaf": ("model.tree_min_rows=40",),
        "all rows": ("model.tree_rows=1",),
        "all columns": ("model.tree_columns=1",),
        "half the columns": ("model.tree_columns=0.5",),
        "one forest": ("training.folds=1",),
    },
)
LEARNERS = Group(
    "What each learner is worth",
    (),
    {
        "the network alone": ("model.learners=[network]",),
        "trees alone": ("model.learners=[trees]",),
        "extra trees alone": ("model.learners=[extra_trees]",),
        "without extra trees": ("model.learners=[network, trees]",),
        "without the network": ("model.learners=[trees, extra_trees]",),
        "one network": ("training.folds=1",),
    },
)
GROUPS = {"network": NETWORK, "trees": TREES, "learners": LEARNERS}
