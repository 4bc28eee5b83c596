"""Every class has its share in every split: on real files, read in several units."""

import pickle
from collections import Counter

import numpy as np
import pytest

from beltline.base.errors import WrongInput
from beltline.pipeline import tables
from beltline.pipeline.components.examples.row_split import rows_of_splits
from beltline.pipeline.components.examples.stratified_split import stratified_split
from tests.pipeline.components.generated import generate, rows_of

SHARES = {"train": 0.7, "validation": 0.1, "eval": 0.2}
KINDS = {"x": "number", "y": "text"}


def written(folder, labels, first=0):
    rows = [f"{(first + row) / 7},{label}" for row, label in enumerate(labels)]
    (folder / "a.csv").write_text("\n".join(["x,y", *rows]) + "\n")
    return folder / "a.csv"


def split_of(file, kinds=KINDS):
    units = tables.units([file], size=256)
    assert len(units) > 1
    made = stratified_split("y", units, kinds, SHARES)
    return pickle.loads(pickle.dumps(made))  # noqa: S301 - of our own making


def batch_of(file):
    [batch] = tables.batches(file, KINDS)
    return batch


def counts(folder, labels):
    """How many rows of each class are in each split."""
    file = written(folder, labels)
    found = split_of(file)(batch_of(file))
    assert sorted(np.concatenate(list(found.values()))) == list(range(len(labels)))
    assert all((np.diff(rows) > 0).all() for rows in found.values())
    return {name: Counter(labels[row] for row in rows) for name, rows in found.items()}


@pytest.mark.parametrize(
    ("rows", "wanted"),
    [
        (1000, (700, 100, 200)),
        (68, (48, 6, 14)),
        (10, (7, 1, 2)),
        # Rounding alone would leave the validation empty.
        (5, (3, 1, 1)),
        (3, (1, 1, 1)),
        (1, (1, 0, 0)),
    ],
)
def test_a_class_has_its_share_of_rows_in_each_split(tmp_path, rows, wanted):
    found = counts(tmp_path, ["common"] * 400 + ["rare"] * rows)
    assert tuple(found[name]["common"] for name in SHARES) == (280, 40, 80)
    assert tuple(found[name]["rare"] for name in SHARES) == wanted


def test_rows_without_a_label_are_split_by_their_hash(tmp_path):
    file = written(tmp_path, ["a", ""] * 300)
    found = split_of(file)(batch_of(file))
    plain = rows_of_splits(batch_of(file), SHARES)
    for name in SHARES:
        assert [row for row in found[name] if row % 2] == [row for row in plain[name] if row % 2]


def test_identical_rows_are_in_one_split(tmp_path):
    file = tmp_path / "a.csv"
    file.write_text("x,y\n" + "1,a\n2,a\n3,b\n4,b\n" * 100)
    found = split_of(file)(batch_of(file))
    of = {row % 4: name for name, rows in found.items() for row in rows}
    assert all(of[row % 4] == name for name, rows in found.items() for row in rows)


def test_most_rows_stay_where_their_hash_alone_has_them_and_where_they_were(tmp_path):
    labels = ["rare" if row % 25 == 0 else "common" for row in range(6000)]
    file = written(tmp_path, labels[:5000])
    batch = batch_of(file)

    def place(found, rows=5000):
        of = np.empty(rows, object)
        for name, chosen in found.items():
            of[chosen[chosen < rows]] = name
        return of

    before = place(split_of(file)(batch))
    assert np.mean(before != place(rows_of_splits(batch, SHARES))) < 0.02
    file = written(tmp_path, labels)
    after = place(split_of(file)(batch_of(file)))
    moved = before != after
    assert 0 < np.mean(moved) < 0.02
    # Nowhere near what a new draw would do: 46 of 100.
    assert np.mean(moved[::25]) < 0.06


def test_the_shares_of_a_rare_class_vary_by_chance_no_more(tmp_path):
    """Of 30 tables of 500 rows, 20 of them rare: how many of those are in the evaluation split."""
    plain, stratified = [], []
    for table in range(30):
        file = written(tmp_path, ["rare"] * 20 + ["common"] * 480, first=1000 * table)
        batch = batch_of(file)
        plain.append(int(np.sum(rows_of_splits(batch, SHARES)["eval"] < 20)))
        stratified.append(int(np.sum(split_of(file)(batch)["eval"] < 20)))
    assert stratified == [4] * 30
    assert np.std(plain) > 1.2


def test_a_value_of_another_kind_is_named_before_anything_is_written(tmp_path):
    file = written(tmp_path, ["a", "b"] * 100)
    file.write_text(file.read_text() + "warm,a\n")
    with pytest.raises(tables.OtherKind, match="'warm'"):
        split_of(file)
    file.write_text(file.read_text() + "1,2,3\n")
    with pytest.raises(WrongInput, match="line 203"):
        split_of(file, {"x": "text", "y": "text"})


def test_a_class_that_comes_only_later_is_split_by_its_hash(tmp_path):
    made = split_of(written(tmp_path, ["a"] * 200))
    batch = batch_of(written(tmp_path, ["b"] * 200))
    assert {n: r.tolist() for n, r in made(batch).items()} == {
        n: r.tolist() for n, r in rows_of_splits(batch, SHARES).items()
    }


@pytest.mark.parametrize("drop_without", ["", "y"])
def test_example_gen_writes_each_class_into_every_split(tmp_path, drop_without):
    rows = [f"{i},{i / 8},A,{'' if i < 5 else 'rare' if i < 15 else 'common'}" for i in range(115)]
    (tmp_path / "a.csv").write_text("\n".join(["number,temp,mold,y", *rows]) + "\n")
    given = {"stratify_by": "y", "drop_without": drop_without}
    made = generate(tmp_path / "out", tmp_path / "a.csv", **given)
    found = {
        name: Counter(row.get("y", ("",))[-1] for row in rows_of(made, name)) for name in SHARES
    }
    assert [found[name][b"rare"] for name in SHARES] == [7, 1, 2]
    assert [found[name][b"common"] for name in SHARES] == [70, 10, 20]
    assert made.get_int_custom_property("rows_dropped") == (5 if drop_without else 0)


def test_example_gen_writes_a_column_of_another_kind_for_the_gate_to_see(tmp_path):
    rows = [f"{i},{'warm' if i == 60 else i / 8},A,{i % 2}" for i in range(100)]
    (tmp_path / "a.csv").write_text("\n".join(["number,temp,mold,y", *rows]) + "\n")
    made = generate(tmp_path / "out", tmp_path / "a.csv", stratify_by="y")
    assert {row["temp"][0] for row in rows_of(made)} == {"bytes_list"}
    assert [made.get_int_custom_property(f"rows_{name}") for name in SHARES] == [70, 10, 20]
