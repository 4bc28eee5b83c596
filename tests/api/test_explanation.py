"""What is asked to explain an answer; the answers are those of a rule in a version's place."""

from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest
from tensorflow_metadata.proto.v0 import statistics_pb2

from beltline.api.explanation import explained
from beltline.base.errors import WrongInput
from beltline.versions.folder import STATISTICS
from tests.runners.report.test_statistics import dataset, with_numbers, with_texts


def version(folder: Path, answer):
    found = with_texts(with_numbers(dataset(70), median=1.6), values=("A", "B"))
    every = statistics_pb2.DatasetFeatureStatisticsList(datasets=[found])
    file = folder / STATISTICS
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(every.SerializeToString())
    return SimpleNamespace(
        path=folder,
        number=1,
        columns={"temp": "integer", "mold": "text"},
        predict=lambda table: pd.DataFrame([answer(row) for row in table.to_pylist()]),
    )


def probability(row):
    return {"probability": 0.1 * float(row["temp"]) + (0.3 if row["mold"] == "A" else 0.0)}


def test_an_effect_is_what_is_lost_with_the_usual_value(tmp_path):
    found = explained(version(tmp_path, probability), {"temp": 5, "mold": "B", "more": 1})
    assert list(found.index) == ["mold", "temp"] or list(found.index) == ["temp", "mold"]
    # The median of an integer is rounded, and the most frequent mold is A.
    assert found.loc["temp", "usual"] == 2
    assert found.loc["temp", "effect"] == pytest.approx(0.3)
    assert found.loc["mold", "usual"] == "A"
    assert found.loc["mold", "effect"] == pytest.approx(-0.3)


def test_of_several_classes_it_is_the_one_that_was_answered(tmp_path):
    def classes(row):
        high = float(row["temp"]) > 3
        shares = {"probability_x": 0.9 if high else 0.2, "probability_y": 0.1 if high else 0.8}
        return {"class": "x" if high else "y", **shares}

    found = explained(version(tmp_path, classes), {"temp": 5, "mold": "A"})
    assert found.loc["temp", "effect"] == pytest.approx(0.7)
    assert found.index[0] == "temp"


def test_one_row_at_a_time(tmp_path):
    with pytest.raises(WrongInput, match="one is explained at a time, not 2"):
        explained(version(tmp_path, probability), [{"temp": 1}, {"temp": 2}])
