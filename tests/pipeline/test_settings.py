import pytest
from pydantic import BaseModel, ValidationError

from pipeline.settings import LOWER_IS_BETTER, METRICS_OF_TASK, Section, Settings

LEAST = {
    "name": "tiny",
    "data": {"path": "a.csv"},
    "schema": "a.pbtxt",
    "label": {"column": "y", "task": "regression"},
}


def sections(model=Settings, key=""):
    """Every section of the settings with its key."""
    yield key, model
    for name, field in model.model_fields.items():
        for part in (field.annotation, *getattr(field.annotation, "__args__", ())):
            if isinstance(part, type) and issubclass(part, BaseModel):
                yield from sections(part, f"{key}.{field.alias or name}".lstrip("."))


def test_few_keys_are_needed():
    assert {name for name, f in Settings.model_fields.items() if f.is_required()} == {
        "name",
        "data",
        "schema_file",
        "label",
    }
    settings = Settings.model_validate(LEAST)
    assert settings.data.splits.model_dump() == {"train": 0.7, "validation": 0.1, "eval": 0.2}


def test_every_setting_says_what_it_is_for():
    silent = [
        f"{key}.{name}"
        for key, section in sections()
        for name, field in section.model_fields.items()
        if not (field.description or "").endswith(".")
    ]
    assert silent == []


def test_every_section_refuses_unknown_keys_and_changes():
    found = dict(sections())
    assert {"training", "evaluation.champion", "evaluation.thresholds", "resources"} <= set(found)
    assert all(issubclass(section, Section) for section in found.values())
    settings = Settings.model_validate(LEAST)
    with pytest.raises(ValidationError):
        settings.training.epochs = 3


def test_the_defaults_of_one_project_are_not_shared_with_another():
    first, second = Settings.model_validate(LEAST), Settings.model_validate(LEAST)
    first.model.hidden.append(1)
    assert second.model.hidden == [256, 256, 128]


def test_a_metric_where_less_is_better_belongs_to_a_task():
    every = {metric for metrics in METRICS_OF_TASK.values() for metric in metrics}
    assert every >= LOWER_IS_BETTER
    assert {"rmse", "mae"} == LOWER_IS_BETTER


@pytest.mark.parametrize("name", ["1tiny", "a/b", "..", "", "a b", "ä", "a" * 64, "tiny\n"])
def test_a_name_is_fit_for_a_folder(name):
    with pytest.raises(ValidationError):
        Settings.model_validate({**LEAST, "name": name})
