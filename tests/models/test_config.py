"""What the pipeline tells the model code: parsed strictly, and the same fields on both sides."""

import dataclasses
import json
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

import pytest

from beltline.base.settings.section import Section
from beltline.models import config as read
from beltline.models import features
from beltline.models.config import features_from_config, from_config
from beltline.pipeline import tables
from beltline.pipeline.settings import data
from beltline.pipeline.settings.training import Model, Training
from beltline.pipeline.settings.tuning import Searched, Tuning
from tests.models.rows import config
from tests.pipeline.components.small import columns, project

PAIRS = {
    Model: read.ModelConfig,
    Training: read.TrainingConfig,
    Tuning: read.TuningConfig,
    Searched: read.SearchRange,
}


def plain(kind: Any) -> Any:
    """A type without pydantic's limits, and a section as its dataclass."""
    if get_origin(kind) is Annotated:
        return plain(get_args(kind)[0])
    if get_origin(kind) in (list, dict):
        return get_origin(kind)[tuple(plain(each) for each in get_args(kind))]
    if get_origin(kind) is not Literal and get_args(kind):
        return frozenset(plain(each) for each in get_args(kind))
    return PAIRS.get(kind, kind)


def types_of(kind: type[Any]) -> dict[str, Any]:
    if issubclass(kind, Section):
        hints = get_type_hints(kind, include_extras=True)
        return {name: plain(hints[name]) for name in kind.model_fields}
    return {name: plain(hint) for name, hint in get_type_hints(kind).items()}


@pytest.mark.parametrize("section", PAIRS)
def test_a_section_has_the_same_fields_and_types_on_both_sides(section: type[Section]) -> None:
    ours = types_of(PAIRS[section])
    if section is Tuning:
        assert ours.pop("values") == dict[str, Any]
    theirs = types_of(section)
    if section is Training:
        # Whether there is a second training is nothing that a training needs to know.
        del theirs["refit"]
    assert ours == theirs


def test_both_sides_mean_the_same_by_a_task_a_kind_and_an_encoding() -> None:
    assert features.Task == data.Task
    assert features.Kind == tables.Kind
    assert features.Part == data.Part
    assert features.Numbers == get_type_hints(data.FeatureSettings)["numbers"]


def test_the_features_that_the_pipeline_passes_are_read(tmp_path) -> None:
    passed = columns(tmp_path).for_models(project(tmp_path).settings)
    found = features_from_config(json.loads(json.dumps({"features": passed})))
    assert json.loads(json.dumps(dataclasses.asdict(found))) == json.loads(json.dumps(passed))


def test_a_config_is_read_as_it_was_passed() -> None:
    custom = config()
    custom["tuning"]["space"] = {
        "dropout": {"min": 0.0, "max": 0.5, "scale": None, "choices": None}
    }
    found = from_config(custom)
    assert json.loads(json.dumps(dataclasses.asdict(found))) == custom
    assert found.tuning and found.tuning.space["dropout"].max == 0.5


def test_only_the_tuner_has_a_section_of_its_own() -> None:
    custom = {name: section for name, section in config().items() if name != "tuning"}
    assert from_config(custom).tuning is None


@pytest.mark.parametrize(
    ("section", "key"),
    [("features", "numbers"), ("model", "hidden"), ("training", "seed"), ("tuning", "trials")],
)
def test_an_unknown_or_missing_key_is_named(section: str, key: str) -> None:
    missing = config()
    del missing[section][key]
    with pytest.raises(ValueError, match=rf"missing key '{section}\.{key}'"):
        from_config(missing)
    unknown = config()
    unknown[section][f"{key}s"] = unknown[section][key]
    with pytest.raises(ValueError, match=rf"unknown key '{section}\.{key}s'"):
        from_config(unknown)


def test_an_unknown_or_missing_section_is_named() -> None:
    with pytest.raises(ValueError, match="unknown key 'colours'"):
        from_config({**config(), "colours": {}})
    for name in ("code_digest", "features", "model", "training"):
        with pytest.raises(ValueError, match=f"missing key '{name}'"):
            from_config({key: value for key, value in config().items() if key != name})
