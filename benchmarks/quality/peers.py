"""The libraries of gradient boosting that the models are compared with, each with its defaults.

    python -m benchmarks.quality.peers --folder WORKSPACE -o peers.json

Each learns from the rows of train and validation together, on the columns that the model reads,
texts as categories. What the scores depend on is the rows alone. The defaults are of quality: how
many threads work, what is logged, and the seed are set.
"""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import numpy as np
import pandas as pd

from beltline.models.features import Features
from benchmarks.quality.rows import Rows, read_rows
from benchmarks.quality.scores import Metrics, scored
from benchmarks.quality.workspace import Workspace

THREADS = 2
MISSING = "(missing)"

Array = Any
Peer = Callable[[pd.DataFrame, Array, pd.DataFrame, bool], Array]
"""Learns from inputs and labels and predicts for other inputs; says whether labels are numbers."""


def boosting(x: pd.DataFrame, y: Array, asked: pd.DataFrame, regression: bool) -> Array:
    """scikit-learn's HistGradientBoosting."""
    from sklearn import ensemble

    options = {"categorical_features": "from_dtype", "random_state": 0}
    x, asked = _frequent(x, asked)
    if regression:
        return ensemble.HistGradientBoostingRegressor(**options).fit(x, y).predict(asked)
    return ensemble.HistGradientBoostingClassifier(**options).fit(x, y).predict_proba(asked)


def lightgbm(x: pd.DataFrame, y: Array, asked: pd.DataFrame, regression: bool) -> Array:
    """LightGBM."""
    import lightgbm as library

    options: Any = {"n_jobs": THREADS, "verbosity": -1, "random_state": 0}
    # It takes no name with JSON's special characters.
    x, asked = _numbered(x), _numbered(asked)
    if regression:
        return library.LGBMRegressor(**options).fit(x, y).predict(asked)
    return library.LGBMClassifier(**options).fit(x, y).predict_proba(asked)


def xgboost(x: pd.DataFrame, y: Array, asked: pd.DataFrame, regression: bool) -> Array:
    """XGBoost, told that there are categories."""
    import xgboost as library

    options: Any = {"n_jobs": THREADS, "enable_categorical": True, "random_state": 0}
    x, asked = _numbered(x), _numbered(asked)
    if regression:
        return library.XGBRegressor(**options).fit(x, y).predict(asked)
    return library.XGBClassifier(**options).fit(x, y).predict_proba(asked)


def catboost(x: pd.DataFrame, y: Array, asked: pd.DataFrame, regression: bool) -> Array:
    """CatBoost, told which columns are categories."""
    import catboost as library

    texts = [name for name in x if isinstance(x[name].dtype, pd.CategoricalDtype)]
    # It takes no gap in a category.
    x, asked = (
        part.assign(
            **{name: part[name].cat.add_categories(MISSING).fillna(MISSING) for name in texts}
        )
        for part in (x, asked)
    )
    options = {
        "cat_features": texts,
        "thread_count": THREADS,
        "verbose": False,
        "allow_writing_files": False,
        "random_seed": 0,
    }
    if regression:
        return library.CatBoostRegressor(**options).fit(x, y).predict(asked)
    return library.CatBoostClassifier(**options).fit(x, y).predict_proba(asked)


PEERS: dict[str, Peer] = {
    "HistGradientBoosting": boosting,
    "LightGBM": lightgbm,
    "XGBoost": xgboost,
    "CatBoost": catboost,
}
LIBRARIES = {
    "HistGradientBoosting": "sklearn",
    "LightGBM": "lightgbm",
    "XGBoost": "xgboost",
    "CatBoost": "catboost",
}
"""The package that each is imported from."""


@click.command()
@click.option("--folder", type=Path, required=True, help="Workspace of a run up to Transform.")
@click.option("--peer", "names", multiple=True, type=click.Choice(list(PEERS)), required=True)
@click.option("-o", "--output", type=Path, required=True, help="Where the scores go, as JSON.")
def main(folder: Path, names: tuple[str, ...], output: Path) -> None:
    """Train the peers on a run's rows, and score them."""
    space = Workspace(folder)
    features = space.features
    rows = read_rows(space.examples, features)
    known = json.loads(output.read_text(encoding="utf-8")) if output.exists() else {}
    about = {"rows": rows.counts(), "task": features.task, "rarest": rows.rarest(features)}
    found: dict[str, Any] = {**about, "peers": {}, **known}
    for name in names:
        if name not in found["peers"]:
            found["peers"][name] = judged(name, rows, features)
            click.echo(f"{folder.name} {name}: {found['peers'][name]}", err=True)
            output.parent.mkdir(parents=True, exist_ok=True)
            output.write_text(json.dumps(found, indent=1), encoding="utf-8")


def judged(name: str, rows: Rows, features: Features) -> Metrics:
    """Returns the metrics of one peer on the eval rows.

    Args:
      name: of `PEERS`.
      rows: of all splits.
      features: the kind of label.
    """
    seen, asked = rows.split != "eval", rows.split == "eval"
    x, y = rows.inputs[seen], rows.labels[seen]
    regression = features.task == "regression"
    started = time.monotonic()
    outputs = np.asarray(PEERS[name](x, y, rows.inputs[asked], regression))
    seconds = time.monotonic() - started
    if regression:
        outputs = outputs.reshape(-1, 1)
    elif features.task == "binary":
        outputs = outputs[:, 1:]
    return {**scored(features, rows.labels[asked], outputs), "seconds": seconds}


def _numbered(x: pd.DataFrame) -> pd.DataFrame:
    return x.set_axis([f"column_{i}" for i in range(x.shape[1])], axis=1)


def _frequent(x: pd.DataFrame, asked: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """HistGradientBoosting takes at most 255 values of a category: the rarest have no value."""
    for name in (name for name in x if isinstance(x[name].dtype, pd.CategoricalDtype)):
        values = list(x[name].value_counts().index[:254])
        x, asked = (
            part.assign(**{name: part[name].cat.set_categories(values)}) for part in (x, asked)
        )
    return x, asked


if __name__ == "__main__":
    main()
