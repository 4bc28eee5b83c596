"""The features as the pipeline's JSON describes them."""

import pytest

from beltline.models.features import from_config
from tests.models.rows import config


def test_reads_json_lists_as_tuples() -> None:
    features = from_config(config())
    assert features.numeric == ("heat (°C)", "shots")
    assert features.classes == ("ok", "scrap")
    assert features.numeric_width == 4
    assert from_config(config(numbers="zscore")).numeric_width == 2


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"numeric": [], "categorical": []}, "no input"),
        ({"numeric": ["nowhere"]}, "without a type: nowhere"),
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
        from_config(config(**change))


def test_an_unknown_key_is_an_error() -> None:
    with pytest.raises(TypeError, match="colour"):
        from_config(config(colour="blue"))
