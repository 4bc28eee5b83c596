import pyarrow as pa
import pytest
from pyarrow import csv, parquet

from beltline.base.errors import WrongInput
from beltline.serving.monitoring.labels import read_labels


def test_a_csv_file_keeps_its_keys_as_they_are(tmp_path):
    file = tmp_path / "labels.csv"
    file.write_text("when,part id,bad\nx,007,yes\nx,7,no\nx,8,\nx,,no\n")
    assert read_labels(file, "part id", "bad") == {"007": "yes", "7": "no"}


def test_what_a_table_reads_as_missing_is_no_label(tmp_path):
    (tmp_path / "labels.csv").write_text("k,bad\na,NA\nb, null \nc,None\n")
    assert read_labels(tmp_path / "labels.csv", "k", "bad") == {"c": "None"}


def test_the_last_of_several_labels_is_used(tmp_path):
    (tmp_path / "1.csv").write_text("k,bad\na,yes\na,no\nb,no\n")
    (tmp_path / "2.csv").write_text("k,bad\nb,yes\n")
    (tmp_path / "notes.txt").write_text("not read")
    assert read_labels(tmp_path, "k", "bad") == {"a": "no", "b": "yes"}


@pytest.mark.parametrize(
    ("keys", "labels", "expected"),
    [
        (pa.array([1, 2]), pa.array(["yes", None]), {"1": "yes"}),
        (pa.array([1.0, None]), pa.array([0.5, 2.0]), {"1": "0.5"}),
        (pa.array(["a", "b"]).dictionary_encode(), pa.array([3.0, 4.0]), {"a": "3", "b": "4"}),
        (pa.array(["a", "b"]), pa.array([True, False]), {"a": "true", "b": "false"}),
    ],
)
def test_parquet_of_any_type(tmp_path, keys, labels, expected):
    parquet.write_table(
        pa.table({"k": keys, "bad": labels, "other": labels}), tmp_path / "l.parquet"
    )
    assert read_labels(tmp_path, "k", "bad") == expected


def test_an_empty_folder_has_none(tmp_path):
    assert read_labels(tmp_path, "k", "bad") == {}


def test_invalid_labels_are_reported(tmp_path):
    with pytest.raises(WrongInput, match=r"no such file or folder .*monitoring\.labels"):
        read_labels(tmp_path / "none.csv", "k", "bad")
    (tmp_path / "l.json").touch()
    with pytest.raises(WrongInput, match=r"read from \.csv"):
        read_labels(tmp_path / "l.json", "k", "bad")
    csv.write_csv(pa.table({"keys": ["a"], "bad": ["x"]}), tmp_path / "l.csv")
    with pytest.raises(WrongInput, match=r"l\.csv: has no column 'key'; did you mean 'keys'\?"):
        read_labels(tmp_path / "l.csv", "key", "bad")
    (tmp_path / "l.parquet").write_text("no parquet")
    with pytest.raises(WrongInput, match=r"l\.parquet: can't be read"):
        read_labels(tmp_path / "l.parquet", "key", "bad")
