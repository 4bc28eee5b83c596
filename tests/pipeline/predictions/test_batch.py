"""Predictions for whole tables, beside those of a real server for the same rows."""

import csv
import json
import random

import numpy as np
import pyarrow.parquet as pq
import pytest

from beltline.base.errors import WrongInput
from beltline.pipeline.predictions.batch import predict, version_of
from tests.serving import running

pytestmark = pytest.mark.slow

HEADER = ["part", "temp", "mold", "die temp", "scrap"]
MISSING = ("", "NA", "null")


def rows(number):
    chance = random.Random(number)  # noqa: S311 - it keeps no secret
    for row in range(number):
        temp = chance.choice([f"{chance.gauss(0, 3):.4f}", "1e-3", "-7", *MISSING])
        die = chance.choice([str(chance.randrange(-5, 5)), "2.0", *MISSING])
        yield [f"{row:04d}", temp, chance.choice(["M1", "Ä, 2", "true"]), die, "ok"]


def table(file, lines):
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows([HEADER, *lines])
    return file


def written(file):
    with file.open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def predicted(line, files, out, keep=None):
    result = predict(files, version_of(line, None), out, keep)
    return result, written(out)


def test_predictions_are_those_of_the_server(line, tmp_path):
    lines = list(rows(1500))
    file = table(tmp_path / "a.csv", lines)
    result, found = predicted(line, [file], tmp_path / "out" / "p.csv")
    assert (result.rows, result.rejected, result.rejects) == (1500, 0, None)
    assert list(found[0]) == ["part", "scrap", "class", "probability", "version"]
    assert [row["part"] for row in found] == [line[0] for line in lines]
    answers = []
    with running.server(line, tmp_path / "log", "--max-rows", "1500") as server:
        server.wait_until_ready()
        instances = [dict(zip(HEADER, line, strict=True)) for line in lines]
        for row in instances:
            del row["part"]
        answers = server.ask({"instances": instances}).json()["predictions"]
    assert [row["class"] for row in found] == [answer["class"] for answer in answers]
    assert [float(row["probability"]) for row in found] == [
        answer["probability"] for answer in answers
    ]
    assert {row["version"] for row in found} == {"1"}


def test_parquet_and_csv_hold_the_same(line, tmp_path):
    file = table(tmp_path / "a.csv", rows(30))
    _, found = predicted(line, [file], tmp_path / "p.csv")
    predict([file], version_of(line, 1), tmp_path / "p.parquet", None)
    stored = pq.read_table(tmp_path / "p.parquet")
    assert stored.schema.field("probability").type == "float"
    for row, other in zip(stored.to_pylist(), found, strict=True):
        assert np.float32(row.pop("probability")) == np.float32(other.pop("probability"))
        assert {name: str(value) for name, value in row.items()} == other


def test_several_files_are_one_table_in_their_order(line, tmp_path):
    lines = list(rows(60))
    files = [table(tmp_path / "1.csv", lines[:25]), table(tmp_path / "2.csv", lines[25:])]
    _, found = predicted(line, files, tmp_path / "p.csv", keep=["mold", "part"])
    assert list(found[0]) == ["mold", "part", "class", "probability", "version"]
    assert [row["part"] for row in found] == [line[0] for line in lines]
    # What is kept is what the table says, also of a column that the model reads.
    assert [row["mold"] for row in found] == [line[2] for line in lines]


def test_rows_that_can_not_be_read_go_to_a_file_of_their_own(line, tmp_path):
    file = table(tmp_path / "a.csv", rows(20))
    text = file.read_text().splitlines()
    file.write_text("\n".join([*text[:5], "0099,1", *text[5:]]) + "\n")
    result, found = predicted(line, [file], tmp_path / "p.csv")
    assert (result.rows, result.rejected) == (20, 1)
    assert result.rejects == tmp_path / "p.rejects.jsonl"
    [reject] = map(json.loads, result.rejects.read_text().splitlines())
    assert (reject["line"], reject["text"]) == (6, "0099,1")
    assert len(found) == 20
    file.write_text("\n".join(text) + "\n")
    predicted(line, [file], tmp_path / "p.csv")
    assert not result.rejects.exists()


def changed(folder, old, new):
    file = table(folder / "a.csv", rows(5))
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))
    return file


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("die temp", "dietemp", "no column 'die temp'; did you mean 'dietemp'?"),
        ("part", "class", "the column 'class' of the table is called as one of the predictions"),
        ("0003,", "0003,x", "line 5, column 'temp': 'x"),
    ],
)
def test_a_table_that_does_not_fit_is_refused_and_the_last_output_stays(
    line, tmp_path, old, new, says
):
    out = tmp_path / "p.csv"
    out.write_text("the last one")
    with pytest.raises(WrongInput) as caught:
        predict([changed(tmp_path, old, new)], version_of(line, None), out, None)
    assert says in str(caught.value)
    assert "while running" not in str(caught.value)
    assert out.read_text() == "the last one"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.csv", "p.csv"]


@pytest.mark.parametrize(
    ("temp", "die", "says"),
    [
        ("0", "48.9", "column 'die temp': '48.9' is not a whole number"),
        ("0", "1e300", "column 'die temp': '1e300'"),
        ("1e39", "0", "column 'temp': "),
    ],
)
def test_a_value_means_what_it_does_in_the_table(line, tmp_path, temp, die, says):
    file = table(tmp_path / "a.csv", [["1", temp, "M1", die, "ok"]])
    with pytest.raises(WrongInput) as caught:
        predict([file], version_of(line, None), tmp_path / "p.csv", None)
    assert f"a.csv, line 2, {says}" in str(caught.value)


def test_without_rows_there_is_nothing_to_predict(line, tmp_path):
    with pytest.raises(WrongInput, match="no rows, only column names"):
        predict([table(tmp_path / "a.csv", [])], version_of(line, None), tmp_path / "p.csv", None)
    file = tmp_path / "b.csv"
    file.write_text(",".join(HEADER) + "\n1,2\n3,4\n")
    with pytest.raises(
        WrongInput, match=r"none of the 2 rows can be read: see .*p\.rejects\.jsonl"
    ):
        predict([file], version_of(line, None), tmp_path / "p.csv", None)


def test_where_nothing_can_be_written(line, tmp_path):
    file = table(tmp_path / "a.csv", rows(2))
    with pytest.raises(WrongInput, match=r"p\.csv: can't be written: File exists"):
        predict([file], version_of(line, None), file / "p.csv", None)


def test_a_version_that_can_not_predict(line, tmp_path):
    with pytest.raises(WrongInput, match="no version has been pushed yet"):
        version_of(tmp_path / "served", None)
    with pytest.raises(WrongInput, match="--version 7: there is no such version"):
        version_of(line, 7)
    folder = tmp_path / "broken"
    running.copy_version(line / "1", folder / "2", broken=True)
    file = table(tmp_path / "a.csv", rows(2))
    with pytest.raises(WrongInput, match="version 2 can't be served"):
        predict([file], version_of(folder, None), tmp_path / "p.csv", None)
