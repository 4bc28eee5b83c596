"""Tables made from a seed, each with something that a factory's data have and public ones lack."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.quality.sets.table import Table

Array = Any


def limits() -> Table:
    """10,000 rows of a process: it fails where a number leaves its limits, or two of them together.

    20 numbers, some skewed or rounded, and 2 categories; 2 % of the labels are wrong.
    """
    rng = np.random.default_rng(11)
    x, kinds = _numbers(rng, 10_000, 20), _categories(rng, 10_000, [4, 12])
    bad = (np.abs(x["n0"]) > 2.2) | (x["n1"] < -2.0) | (x["n2"] > 2.1)
    # Limits that depend on another number, or on a category.
    bad |= (x["n3"] > 1.0) & (x["n4"] > 1.0)
    bad |= (x["n5"] < -0.8) & (x["n6"] > 0.8) & (np.abs(x["n7"]) < 1)
    bad |= (kinds["k0"] == "v3") & (x["n8"] > 1.3)
    x["n9"], x["n10"] = np.exp(x["n9"]), x["n10"].round(1)
    return _binary({**x, **kinds}, _flipped(rng, bad, 0.02))


def interactions() -> Table:
    """5,000 rows whose two classes no column tells apart alone: signs, products, categories."""
    rng = np.random.default_rng(12)
    x, kinds = _numbers(rng, 5_000, 12), _categories(rng, 5_000, [3, 8])
    side = np.where(kinds["k0"] == "v0", 1, -1) * np.sign(x["n5"])
    score = 1.5 * x["n0"] * x["n1"] + np.sign(x["n2"] * x["n3"]) + side * np.abs(x["n4"])
    return _binary({**x, **kinds}, score + rng.normal(0, 0.7, 5_000) > 0)


def rare() -> Table:
    """20,000 rows, 3 % failures: a sum of risks, limits and categories behind noise."""
    rng = np.random.default_rng(13)
    x, kinds = _numbers(rng, 20_000, 15), _categories(rng, 20_000, [6, 40])
    risk = rng.normal(0, 0.8, 40)
    score = 0.6 * x["n0"] + 0.8 * np.maximum(x["n1"] - 1, 0) + 1.5 * (x["n2"] < -1.5)
    score = score + 1.2 * ((x["n3"] > 0.5) & (kinds["k0"] == "v1")) + risk[_codes(kinds["k1"])]
    return _binary({**x, **kinds}, _highest(rng, 1.5 * score, 0.03))


def wide() -> Table:
    """1,000 rows, 300 numbers of which 10 say anything, two classes."""
    rng = np.random.default_rng(14)
    x = _numbers(rng, 1_000, 300)
    weights = rng.normal(0, 1, 10)
    score = sum(weight * x[f"n{i * 7}"] for i, weight in enumerate(weights)) + x["n0"] * x["n7"]
    return _binary(x, score + rng.normal(0, 1.5, 1_000) > 0)


def noisy() -> Table:
    """5,000 rows, a number to predict (Friedman's function and a category), half of it noise."""
    rng = np.random.default_rng(15)
    kinds = _categories(rng, 5_000, [10])
    x = {f"n{i}": rng.uniform(0, 1, 5_000) for i in range(15)}
    value = 10 * np.sin(np.pi * x["n0"] * x["n1"]) + 20 * (x["n2"] - 0.5) ** 2
    value += 10 * x["n3"] + 5 * x["n4"] + rng.normal(0, 2, 10)[_codes(kinds["k0"])]
    noise = rng.standard_t(4, 5_000) * value.std() / np.sqrt(2)
    return Table(pd.DataFrame({**x, **kinds, "value": value + noise}), "value")


def categories() -> Table:
    """200,000 rows, 6 numbers, three categories of 300 to 900 values, often rare; two classes."""
    rng, count = np.random.default_rng(16), 200_000
    x, kinds = _numbers(rng, count, 6), _categories(rng, count, [300, 500, 900])
    effects = [rng.normal(0, 0.8, size) for size in (300, 500, 900)]
    score = sum(effect[_codes(kinds[f"k{i}"])] for i, effect in enumerate(effects)) - 1.0
    slope = rng.normal(0, 1, 300)[_codes(kinds["k0"])]
    score = score + slope * x["n0"] + x["n1"] * x["n2"]
    return _binary({**x, **kinds}, rng.uniform(size=count) < 1 / (1 + np.exp(-score)))


SETS: dict[str, Callable[[], Table]] = {
    "limits": limits,
    "interactions": interactions,
    "rare": rare,
    "wide": wide,
    "noisy": noisy,
    "categories": categories,
}


def _numbers(rng: np.random.Generator, rows: int, count: int) -> dict[str, Array]:
    return {f"n{i}": rng.normal(0, 1, rows) for i in range(count)}


def _categories(rng: np.random.Generator, rows: int, sizes: list[int]) -> dict[str, Array]:
    """Texts `v0`, `v1`, …, of which the first are more frequent."""
    found = {}
    for i, size in enumerate(sizes):
        shares = 1 / np.arange(3, size + 3)
        codes = rng.choice(size, rows, p=shares / shares.sum())
        found[f"k{i}"] = np.array([f"v{code}" for code in codes], object)
    return found


def _codes(texts: Array) -> Array:
    return np.array([int(text[1:]) for text in texts])


def _flipped(rng: np.random.Generator, outcome: Array, share: float) -> Array:
    return outcome ^ (rng.uniform(size=len(outcome)) < share)


def _highest(rng: np.random.Generator, score: Array, share: float) -> Array:
    """The given share of the rows, mostly those of high scores."""
    noisy = score + rng.logistic(size=len(score))
    return noisy > np.quantile(noisy, 1 - share)


def _binary(columns: dict[str, Array], outcome: Array) -> Table:
    return Table(pd.DataFrame(columns).assign(result=np.where(outcome, "fail", "pass")), "result")
