import json
import math

import pytest

from beltline.runners.ui.question import fields_of, row_of
from beltline.versions.folder import CHECK_ROWS, SCHEMA, Version

PROBLEM = {"columns": {"mold": "text", "form": "integer", "temp": "number"}}
SCHEMA_TEXT = """\
feature { name: "mold" type: BYTES domain: "molds" }
feature { name: "temp" type: FLOAT }
string_domain { name: "molds" value: "M1" value: "Möld <2>" }
"""


@pytest.fixture
def version(tmp_path):
    (tmp_path / CHECK_ROWS).parent.mkdir()
    rows = {"temp": [226.60000610351562, 1.0], "form": [34.0, None], "mold": ["M1", ""]}
    (tmp_path / CHECK_ROWS).write_text(json.dumps({"rows": rows}))
    (tmp_path / SCHEMA).write_text(SCHEMA_TEXT)
    return Version(1, tmp_path, "", "", True, True, {}, None, "", {}, PROBLEM)


def values(fields):
    return {field.column: field.value for field in fields}


def test_the_form_is_filled_in_with_a_recorded_row(version):
    fields = fields_of(version)
    assert values(fields) == {"mold": "M1", "form": "34", "temp": "226.6"}
    assert [field.kind for field in fields] == ["text", "integer", "number"]
    assert [field.choices for field in fields] == [["M1", "Möld <2>"], [], []]


@pytest.mark.parametrize("value", [None, math.nan])
def test_a_missing_value_is_an_empty_field_and_back(version, value):
    (version.path / CHECK_ROWS).write_text(json.dumps({"rows": {"temp": [value]}}))
    fields = fields_of(version)
    assert values(fields)["temp"] == ""
    assert row_of(fields) == {"mold": None, "form": None, "temp": None}


def test_what_was_filled_in_is_sent_as_it_is(version):
    sent = {"form": "proof", "column:form": " 7 ", "column:mold": "NA", "column:no": "x"}
    fields = fields_of(version, sent)
    assert row_of(fields) == {"mold": "NA", "form": " 7 ", "temp": None}


@pytest.mark.parametrize(
    "content", ["", "{", "[]", "[" * 9999, '{"rows": 1}', '{"rows": {"temp": []}}', "\udcff"]
)
def test_files_that_cannot_be_read_leave_the_fields_empty(version, content):
    for file in (CHECK_ROWS, SCHEMA):
        (version.path / file).write_bytes(content.encode("utf-8", "surrogateescape"))
    fields = fields_of(version)
    assert set(values(fields).values()) == {""}
    assert not any(field.choices for field in fields)


def test_a_card_without_columns_has_no_fields(tmp_path):
    for problem in ({}, {"columns": None}, {"columns": ["a"]}):
        assert fields_of(Version(1, tmp_path, "", "", True, True, {}, None, "", {}, problem)) == []


def test_a_long_list_of_values_is_left_out(version):
    values = " ".join(f'value: "v{number}"' for number in range(201))
    (version.path / SCHEMA).write_text(SCHEMA_TEXT.replace('value: "M1"', values))
    assert fields_of(version)[0].choices == []
