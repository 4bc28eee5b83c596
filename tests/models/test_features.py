"""The features as the pipeline's JSON describes them."""

import pytest

from beltline.models.config import features_from_config
from tests.models.rows import config


def test_reads_json_lists_as_tuples() -> None:
    features = features_from_config(config())
    assert features.numeric == ("heat (°C)", "shots")
    assert features.classes == ("ok", "scrap")
    assert features.numeric_width == 4
    assert features_from_config(config(numbers="zscore")).numeric_width == 2


def test_the_parts_of_a_timestamp_are_numbers() -> None:
    columns = {"at": "text", "heat": "number", "mold": "text"}
    made = {"columns": columns, "numeric": ["heat"], "categorical": ["mold"]}
    features = features_from_config(config(**made, timestamps={"at": ["hour", "month"]}))
    assert features.timestamps == {"at": ("hour", "month")}
    assert (features.number_count, features.numeric_width) == (3, 6)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"numeric": [], "categorical": []}, "no input"),
        ({"numeric": ["nowhere"]}, "without a type: nowhere"),
        ({"timestamps": {"at": ["hour"]}}, "without a type: at"),
        ({"numeric": ["mold"]}, "can't be used as numbers: mold"),
        ({"categorical": ["heat (°C)"]}, "can't be used as categories: heat"),
        ({"label": "mold"}, "also an input"),
        ({"classes": ["a", "b", "c"]}, "two classes, not 3"),
        ({"task": "multiclass", "classes": ["a"]}, "at least two"),
        ({"task": "multiclass", "classes": ["a", "a", "b"]}, "must differ"),
        ({"task": "regression"}, "no classes"),
    ],
)
def test_contradictions_are_named(change: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        features_from_config(config(**change))
