"""How the trees of the tests grow."""

from beltline.models.trees.member import Plan

PLAN = Plan(
    parameters={
        "objective": "binary",
        "learning_rate": 0.1,
        "num_leaves": 8,
        "feature_fraction": 0.7,
        "bagging_fraction": 0.7,
        "bagging_freq": 1,
        "deterministic": True,
        "force_row_wise": True,
        "num_threads": 1,
        "verbosity": -1,
    },
    categorical=(3,),
    start=(-0.5,),
    seed=7,
    rounds=30,
    patience=100,
    minutes=None,
    checkpoint_minutes=0,
)
