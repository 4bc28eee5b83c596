"""The casting data set: reproducible, believable, learnable, and able to drift."""

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from click.testing import CliRunner
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score, roc_auc_score
from sklearn.model_selection import train_test_split
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from beltline.data import casting

SHIPPED = Path(casting.__file__).with_name("casting.csv")
README = Path(casting.__file__).with_name("README.md")
CATEGORIES = ["mold", "shift", "alloy"]
NOT_FEATURES = ["part_id", "cast_at", "scrap"]


@pytest.fixture(scope="module")
def fresh() -> pd.DataFrame:
    return casting.generate(20_000, 11).to_pandas()


@pytest.fixture(scope="module")
def later() -> pd.DataFrame:
    return casting.generate(20_000, 11, later=True).to_pandas()


def written(path: Path, *options: str) -> bytes:
    result = CliRunner().invoke(casting.main, [*options, "-o", str(path)])
    assert result.exit_code == 0, result.output
    return path.read_bytes()


def test_shipped_file_is_what_the_generator_writes(tmp_path: Path) -> None:
    made = written(tmp_path / "a.csv", "--rows", "20000", "--seed", "7")
    assert SHIPPED.read_bytes() == made
    assert len(made) < 3_000_000


def test_only_the_same_seed_gives_the_same_bytes(tmp_path: Path) -> None:
    first, second, other = (
        written(tmp_path / f"{number}.csv", "--rows", "300", "--seed", seed)
        for number, seed in enumerate(("3", "3", "4"))
    )
    assert first == second
    assert first != other


def test_writing_makes_the_folder_and_leaves_nothing_else(tmp_path: Path) -> None:
    written(tmp_path / "new" / "a.csv", "--rows", "5")
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["a.csv"]


@pytest.mark.parametrize("rows", [0, 1, 7])
def test_any_number_of_rows_has_the_same_schema(rows: int) -> None:
    table = casting.generate(rows, 1)
    assert table.num_rows == rows
    assert table.schema == casting.generate(100, 2, later=True).schema


def test_readme_names_every_column_in_order() -> None:
    section = README.read_text(encoding="utf-8").split("## Casting")[1].split("###")[0]
    named = [line.split("`")[1] for line in section.splitlines() if line.startswith("| `")]
    assert named == casting.generate(1, 1).column_names


def test_parts_are_unique_in_order_and_in_their_shift(
    fresh: pd.DataFrame, later: pd.DataFrame
) -> None:
    both = pd.concat([fresh, later])
    assert both["part_id"].is_unique
    moments = pd.to_datetime(both["cast_at"], format="%Y-%m-%dT%H:%M:%S")
    assert moments.is_monotonic_increasing
    shift = ((moments.dt.hour - 6) % 24 // 8).map(dict(enumerate(casting.SHIFTS)))
    assert (shift == both["shift"]).all()


@pytest.mark.parametrize("seed", [7, 8, 9])
def test_about_four_percent_are_scrap(seed: int) -> None:
    label = casting.generate(20_000, seed)["scrap"].to_pandas()
    assert set(label) == {"ok", "scrap"}
    assert 0.03 < (label == "scrap").mean() < 0.05


def test_sensors_drop_out_most_on_one_mold(fresh: pd.DataFrame) -> None:
    missing = fresh.isna()
    assert set(missing.columns[missing.any()]) == set(casting.DROPOUTS)
    per_mold = missing[list(casting.DROPOUTS)].mean(axis=1).groupby(fresh["mold"]).mean()
    assert per_mold.idxmax() == "M05"
    assert per_mold["M05"] > 3 * per_mold.drop("M05").max()


def test_fresh_seed_has_the_same_distribution(fresh: pd.DataFrame) -> None:
    other = casting.generate(20_000, 12).to_pandas()
    for name in casting.DECIMALS:
        shift = fresh[name].mean() - other[name].mean()
        assert abs(shift) < 0.05 * fresh[name].std(), name
    for name in CATEGORIES:
        shares = [part[name].value_counts(normalize=True) for part in (fresh, other)]
        assert (shares[0] - shares[1]).abs().max() < 0.02, name


def test_later_batch_has_a_new_mold_with_more_scrap(
    fresh: pd.DataFrame, later: pd.DataFrame
) -> None:
    assert set(later["mold"]) - set(fresh["mold"]) == {"M09"}
    rate = (later["scrap"] == "scrap").groupby(later["mold"]).mean()
    assert rate["M09"] > 1.3 * rate.drop("M09").mean()


def test_later_batch_has_one_offset_sensor(fresh: pd.DataFrame, later: pd.DataFrame) -> None:
    old_molds = later[later["mold"] != "M09"]
    moved = {
        name
        for name in casting.DECIMALS
        if abs(old_molds[name].mean() - fresh[name].mean()) > 0.1 * fresh[name].std()
    }
    assert moved == {"die_temperature"}
    offset = old_molds["die_temperature"].mean() - fresh["die_temperature"].mean()
    assert offset == pytest.approx(12, abs=1)


def test_offset_is_in_the_reading_and_not_in_the_parts(
    fresh: pd.DataFrame, later: pd.DataFrame
) -> None:
    old_molds = later[later["mold"] != "M09"]
    rates = [(part["scrap"] == "scrap").mean() for part in (fresh, old_molds)]
    assert rates[0] == pytest.approx(rates[1], abs=0.007)


def boosted_trees() -> HistGradientBoostingClassifier:
    return HistGradientBoostingClassifier(categorical_features=CATEGORIES, random_state=0)


def logistic_regression(numbers: list[str]) -> Pipeline:
    scaled = make_pipeline(SimpleImputer(), StandardScaler())
    columns = make_column_transformer((OneHotEncoder(), CATEGORIES), (scaled, numbers))
    return make_pipeline(columns, LogisticRegression(max_iter=500))


@pytest.mark.slow
def test_trees_learn_what_a_linear_model_cannot() -> None:
    parts = casting.generate(20_000, 7).to_pandas().astype(dict.fromkeys(CATEGORIES, "category"))
    scrap = (parts["scrap"] == "scrap").to_numpy()
    split = train_test_split(
        parts.drop(columns=NOT_FEATURES), scrap, test_size=0.2, random_state=0, stratify=scrap
    )
    train, test, train_scrap, test_scrap = split
    models = boosted_trees(), logistic_regression(list(casting.DECIMALS))
    chances = [model.fit(train, train_scrap).predict_proba(test)[:, 1] for model in models]
    trees, linear = (roc_auc_score(test_scrap, chance) for chance in chances)
    assert 0.90 < trees < 0.95
    assert linear < trees - 0.1
    # Calling every part scrap gives an F1 of about 0.08.
    assert f1_score(test_scrap, chances[0] > 0.2) > 0.45


def test_tables_hold_whole_numbers_where_the_file_does() -> None:
    table = casting.generate(500, 5)
    whole = {name for name, digits in casting.DECIMALS.items() if digits == 0}
    assert {field.name for field in table.schema if field.type == pa.int64()} == whole
    speed = table["injection_speed"].to_numpy()
    np.testing.assert_array_equal(speed, np.round(speed, 2))
