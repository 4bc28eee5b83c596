"""From a table straight to a verdict, without an edit: wide, long, many classes, a number."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.beltline_process import Beltline, Result
from tests.end_to_end.projects import Project, states

pytestmark = pytest.mark.slow


def wide(random: np.random.Generator) -> pd.DataFrame:
    """590 columns of 1,500 rows, most with missing values: numbers, flags and categories."""
    rows = 1500
    table = pd.DataFrame(
        random.normal(size=(rows, 560)), columns=[f"sensor_{i}" for i in range(560)]
    )
    for i in range(28):
        table[f"state_{i}"] = random.choice(["on", "off", "idle"], rows)
    score = table["sensor_3"] - table["sensor_40"] + 2 * (table["state_1"] == "on")
    table = table.mask(random.random(table.shape) < random.choice([0, 0.05, 0.4], 588))
    table.insert(0, "serial", [f"S{i:06d}" for i in range(rows)])
    table["fail"] = np.where(score + random.normal(size=rows) > 2.5, "pass", "fail")
    return table


def long(random: np.random.Generator) -> pd.DataFrame:
    """70,000 rows of 20 columns with a label of 0 and 1."""
    rows = 70_000
    table = pd.DataFrame(random.normal(size=(rows, 16)), columns=[f"x{i}" for i in range(16)])
    table["plant"] = random.choice(["Köln", "Łódź", "São Paulo", "東京"], rows)
    table["count"] = random.integers(0, 500, rows)
    table["hour"] = random.integers(0, 24, rows)
    score = table["x0"] * table["x1"] + table["x2"] + (table["plant"] == "東京")
    table["late"] = (score + random.normal(size=rows) > 1).astype(int)
    return table


def seven_classes(random: np.random.Generator) -> pd.DataFrame:
    """2,000 rows with a label of seven whole numbers."""
    rows = 2000
    table = pd.DataFrame(random.normal(size=(rows, 8)), columns=list("abcdefgh"))
    angle = np.arctan2(table["a"], table["b"]) + 0.1 * random.normal(size=rows)
    table["grade"] = 3 + np.floor((angle + np.pi) / (2 * np.pi) * 7).astype(int).clip(0, 6)
    return table


def number(random: np.random.Generator) -> pd.DataFrame:
    """3,000 rows with a number to predict, and a constant, an empty and a timestamp column."""
    rows = 3000
    table = pd.DataFrame(random.normal(size=(rows, 6)), columns=list("abcdef"))
    table["line"] = random.choice(["A", "B", "C"], rows)
    table["plant"] = "one"
    table["empty"] = None
    table["at"] = pd.date_range("2026-01-01", periods=rows, freq="min").astype(str)
    noise = random.normal(size=rows)
    table["weight"] = 250 + 30 * table["a"] - 20 * table["b"] * table["c"] + 5 * noise
    return table


def run(
    beltline: Beltline, folder: Path, table: pd.DataFrame, parquet: bool, *settings: str
) -> Result:
    """Writes the table, and goes from `init` to the end of a run."""
    file = folder / ("table.parquet" if parquet else "table.csv")
    if parquet:
        table.to_parquet(file)
    else:
        table.to_csv(file, index=False)
    project = Project(beltline, folder)
    project.init(file, str(table.columns[-1]))
    return project("run", *settings)


@pytest.mark.parametrize(
    ("make", "metric", "least", "parquet", "settings"),
    [
        pytest.param(wide, "auc", 0.6, False, (), marks=pytest.mark.long),
        pytest.param(long, "auc", 0.85, True, (), marks=pytest.mark.long),
        # Default settings are the others', and those of `test_taxi.py`.
        (seven_classes, "macro_f1", 0.6, False, ("--set", "training.folds=1")),
        (number, "r2", 0.85, True, ("--set", "training.folds=1")),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_from_a_table_to_a_pushed_model(
    beltline: Beltline,
    tmp_path: Path,
    make: Callable[[np.random.Generator], pd.DataFrame],
    metric: str,
    least: float,
    parquet: bool,
    settings: tuple[str, ...],
) -> None:
    result = run(beltline, tmp_path, make(np.random.default_rng(11)), parquet, *settings)
    assert result.code == 0, result.text
    assert states(result)["Pusher"] == "done"
    [card] = tmp_path.glob(".beltline/served/*/1/assets.extra/version.json")
    metrics = json.loads(card.read_text())["metrics"]
    print(make.__name__, metrics, result.out)
    assert metrics[metric] > least
    check_predictions(Project(beltline, tmp_path), json.loads(card.read_text())["problem"])


def check_predictions(project: Project, problem: dict[str, Any]) -> None:
    """Predicts the rows that the model was made from."""
    [file] = project.folder.glob("table.*")
    assert project("predict", file, "-o", "p.parquet").code == 0
    found = pd.read_parquet(project.folder / "p.parquet")
    given = pd.read_parquet(file) if file.suffix == ".parquet" else pd.read_csv(file)
    assert len(found) == len(given)
    label = given[problem["label"]]
    if problem["task"] == "regression":
        assert np.corrcoef(found["prediction"], label)[0, 1] > 0.9
    elif problem["task"] == "multiclass":
        each = found[[f"probability_{name}" for name in problem["classes"]]]
        assert each.sum(axis=1).to_numpy() == pytest.approx(1, abs=1e-5)
        best = each.idxmax(axis=1).str.removeprefix("probability_")
        assert (best == found["class"]).all()
        assert (found["class"] == label.astype(str)).mean() > 0.6


def test_noise_is_refused_honestly(beltline: Beltline, tmp_path: Path) -> None:
    """Where nothing can be learnt, nothing is pushed, and the figures say so."""
    random = np.random.default_rng(5)
    table = pd.DataFrame(random.normal(size=(1000, 4)), columns=list("abcd"))
    table["label"] = random.choice(["no", "yes"], 1000)
    result = run(beltline, tmp_path, table, parquet=False)
    assert result.code == 3, result.text
    assert "Evaluator refused" in result.err and "auc is" in result.err
    assert "no version has been pushed yet" in result.err
    assert states(result)["Pusher"] == "skipped"
    assert not list(tmp_path.glob(".beltline/served/*/*"))
