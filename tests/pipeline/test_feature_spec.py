import json

import pytest

from beltline.base.errors import WrongInput
from beltline.pipeline.schema import read_schema
from tests.pipeline.components.small import SCHEMA, columns, project


def wrong(folder, *overrides, schema=SCHEMA):
    with pytest.raises(WrongInput) as caught:
        columns(folder, *overrides, schema=schema)
    return str(caught.value)


def test_the_schema_says_what_each_column_is(tmp_path):
    found = columns(tmp_path)
    assert found.kinds == {"temp": "number", "hour": "integer", "mold": "text", "scrap": "text"}
    # INT is a number and, where the schema says so, a category too.
    assert found.numeric == ("temp", "hour")
    assert found.categorical == ("hour", "mold")


def test_the_positive_class_comes_last(tmp_path):
    assert columns(tmp_path).classes == ("ok", "scrap")
    assert columns(tmp_path, "label.positive=ok").classes == ("scrap", "ok")


def test_classes_of_more_than_two_stay_in_the_order_of_the_schema(tmp_path):
    schema = SCHEMA.replace('value: "scrap" value: "ok"', 'value: "c" value: "a" value: "b"')
    label = "label={column: scrap, task: multiclass}"
    assert columns(tmp_path, label, schema=schema).classes == ("c", "a", "b")


def test_classes_may_stand_at_the_label_itself(tmp_path):
    schema = SCHEMA.replace('domain: "scrap"', 'string_domain { value: "ok" value: "scrap" }')
    assert columns(tmp_path, schema=schema).classes == ("ok", "scrap")


def test_a_regression_has_no_classes(tmp_path):
    found = columns(tmp_path, "label={column: temp, task: regression}", "evaluation.thresholds={}")
    assert found.classes == ()
    assert found.numeric == ("hour",)
    assert found.categorical == ("hour", "mold", "scrap")


def test_include_chooses_and_exclude_takes_away(tmp_path):
    found = columns(tmp_path, "features.include=[mold, temp, mold]")
    assert (found.numeric, found.categorical) == (("temp",), ("mold",))
    found = columns(tmp_path, "features.include=[mold, temp]", "features.exclude=[mold]")
    assert (found.numeric, found.categorical) == (("temp",), ())
    # The label is never an input, even where somebody names it.
    assert columns(tmp_path, "features.include=[temp, scrap]").categorical == ()


def test_overrides_say_how_a_column_is_used(tmp_path):
    found = columns(tmp_path, "features.overrides={hour: number}")
    assert (found.numeric, found.categorical) == (("temp", "hour"), ("mold",))
    found = columns(tmp_path, "features.overrides={hour: category}")
    assert (found.numeric, found.categorical) == (("temp",), ("hour", "mold"))
    plain = SCHEMA.replace("int_domain { is_categorical: true }", "")
    assert columns(tmp_path, schema=plain).categorical == ("mold",)
    found = columns(tmp_path, "features.overrides={hour: both}", schema=plain)
    assert (found.numeric, found.categorical) == (("temp", "hour"), ("hour", "mold"))


def test_a_timestamp_is_neither_a_number_nor_a_category(tmp_path):
    given = ["features.timestamps={mold: [month, hour, month]}"]
    found = columns(tmp_path, *given)
    assert found.timestamps == {"mold": ("month", "hour")}
    assert (found.numeric, found.categorical) == (("temp", "hour"), ("hour",))
    settings = project(tmp_path, *given).settings
    told = found.for_models(settings)
    assert told["timestamps"] == {"mold": ["month", "hour"]}
    assert told["columns"]["mold"] == "text"
    # For whoever watches live requests: they have other times.
    assert json.loads(found.problem(settings, inputs_only=True))["timestamps"].keys() == {"mold"}
    assert "mold" not in json.loads(found.unread(settings))
    assert "timestamps" not in json.loads(columns(tmp_path).problem(settings, inputs_only=True))


def test_a_timestamp_may_be_the_only_input(tmp_path):
    given = ["features.timestamps={mold: [hour]}", "features.include=[mold]"]
    found = columns(tmp_path, *given)
    assert (found.numeric, found.categorical, found.inputs) == ((), (), {"mold"})


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("features.timestamps={mould: [hour]}", "features.timestamps.mould: no column 'mould'"),
        ("features.timestamps={temp: [hour]}", "features.timestamps.temp: a time is text, BYTES"),
        ("features.timestamps={hour: [hour]}", "features.timestamps.hour: a time is text, BYTES"),
        ("features.timestamps={scrap: [hour]}", "features.timestamps.scrap: is the label"),
        ("features.timestamps={part: [hour]}", "features.timestamps.part: is the label, or in"),
        (
            "features={timestamps: {mold: [hour]}, include: [temp]}",
            "features.timestamps.mold: is not in features.include",
        ),
        (
            "features={timestamps: {mold: [hour]}, overrides: {mold: category}}",
            "features.timestamps.mold: can't be combined with `features.overrides.mold`",
        ),
        ("label.column=scrab", "label.column: no column 'scrab' in the schema; did you mean 'scr"),
        ("features.include=[tmp]", "features.include: no column 'tmp' in the schema; did you mean"),
        ("features.overrides={xyz: number}", "features.overrides: no column 'xyz' in the schema"),
        ("evaluation.slices=[mould]", "evaluation.slices: no column 'mould' in the schema; did"),
        ("features.overrides={mold: number}", "features.overrides.mold: the schema says BYTES"),
        ("features.overrides={mold: both}", "features.overrides.mold: the schema says BYTES"),
        ("features.overrides={temp: category}", "features.overrides.temp: the schema says FLOAT"),
        ("features.overrides={temp: both}", "features.overrides.temp: the schema says FLOAT"),
        ("features.exclude=[temp, hour, mold]", "features: no column left as an input"),
        ("features.include=[]", "features: no column left as an input"),
        ("features.include=[scrap]", "features: no column left as an input"),
        ("features.exclude=[scrap]", "features.exclude: 'scrap' is the label"),
        ("label.positive=Scrap", "label.positive: unknown class 'Scrap': allowed: scrap, ok"),
        ("label.column=temp", "label: in the schema 'temp' must be BYTES with a string_domain"),
        ("label.column=hour", "label: in the schema 'hour' must be BYTES with a string_domain"),
    ],
)
def test_what_the_schema_lacks_is_named(tmp_path, override, message):
    assert message in wrong(tmp_path, override)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('value: "scrap" value: "ok"', 'value: "ok"', "must be BYTES with a string_domain"),
        (' domain: "scrap"', ' domain: "scrub"', "must be BYTES with a string_domain"),
        ('value: "ok"', 'value: "ok" value: "maybe"', "label.task: binary, but the schema has 3"),
        ('value: "ok"', 'value: "scrap"', "duplicate class of 'scrap'"),
        ("type: INT", "", "schema: invalid type of column 'hour': allowed: INT, FLOAT, BYTES"),
        (
            "type: INT",
            "type: STRUCT",
            "schema: invalid type of column 'hour': allowed: INT, FLOAT, BYTES",
        ),
        ('name: "hour"', 'name: "temp"', "schema: duplicate column 'temp'"),
    ],
)
def test_a_schema_that_fits_no_label_is_named(tmp_path, old, new, message):
    assert message in wrong(tmp_path, schema=SCHEMA.replace(old, new))


def test_text_is_no_label_of_a_regression(tmp_path):
    message = wrong(tmp_path, "label={column: mold, task: regression}", "evaluation.thresholds={}")
    assert message == "label: 'mold' is text in the schema; a regression is FLOAT"


def test_a_schema_that_cannot_be_read(tmp_path):
    for content, message in (
        (b'feature { nam: "x" }', ":1:11 : "),
        (b"\xff", "can't be read"),
        (None, "can't be read"),
    ):
        file = tmp_path / "a.pbtxt"
        file.unlink(missing_ok=True)
        if content:
            file.write_bytes(content)
        with pytest.raises(WrongInput, match=message) as caught:
            read_schema(file)
        assert str(caught.value).startswith(f"schema: {file}")
    with pytest.raises(WrongInput, match="can't be read"):
        read_schema(tmp_path / "a\0b")


def test_the_columns_that_the_model_does_not_read(tmp_path):
    given = ["features.include=[hour]", "features.exclude=[part_id]"]
    unread = json.loads(columns(tmp_path, *given).unread(project(tmp_path, *given).settings))
    assert {"scrap", "mold", "part_id"} <= set(unread)
    assert "hour" not in unread


def test_models_are_told_of_their_inputs_alone(tmp_path):
    changed = project(tmp_path, "features.include=[hour]", "features.vocabulary_size=9")
    told = columns(tmp_path, "features.include=[hour]").for_models(changed.settings)
    assert told == {
        "columns": {"hour": "integer"},
        "numeric": ["hour"],
        "categorical": ["hour"],
        "timestamps": {},
        "domains": {},
        "label": "scrap",
        "task": "binary",
        "classes": ["ok", "scrap"],
        "numbers": "quantile",
        "vocabulary_size": 9,
        "out_of_vocabulary_buckets": 1,
    }
