"""The real executor and driver on a query's rows."""

import json
import logging

import pytest
from tfx.orchestration.portable import data_types as portable
from tfx.types import standard_artifacts

from beltline.base.database_url import DATABASE
from beltline.base.errors import NoData, WrongInput
from beltline.pipeline.components.example_gen import Driver
from tests.pipeline.components.generated import KINDS, SPLITS, generate, rows_of
from tests.sql_database import Database

QUERY = "SELECT number, temp, mold, y FROM parts"
ROWS = [(i, i / 8 if i % 4 else None, "AB"[i % 2], f"{i % 2}") for i in range(200)]


@pytest.fixture
def database(tmp_path, monkeypatch):
    file = tmp_path / "parts.db"
    file.touch()
    monkeypatch.setenv(DATABASE, f"sqlite:///{file}")
    database = Database(f"sqlite:///{file}")
    values = ", ".join(str(row).replace("None", "NULL") for row in ROWS)
    database.execute(
        "CREATE TABLE parts (number INTEGER, temp REAL, mold TEXT, y TEXT)",
        f"INSERT INTO parts VALUES {values}",
    )
    return database


def found_by_the_driver(query=QUERY, span="latest", changed_by="", exclude=()):
    """The execution properties that it fills in, and the artifact's span."""
    examples = standard_artifacts.Examples()
    given = {"path": "", "query": query, "changed_by": changed_by, "span": span, "split_by": ""}
    info = portable.ExecutionInfo(
        exec_properties=given | {"exclude": json.dumps(exclude)},
        output_dict={"examples": [examples]},
    )
    output = Driver(None).run(info)
    found = {name: value.string_value for name, value in output.exec_properties.items()}
    return found, examples


def read(folder, digest, query=QUERY, **more):
    """What the executor writes, once the driver has seen this digest."""
    return generate(folder, "", query=query, data_digest=digest, **more)


def test_each_row_is_written_once_and_the_digest_is_the_drivers(database, tmp_path):
    seen, _ = found_by_the_driver()
    examples = read(tmp_path / "out", seen["data_digest"])
    rows = rows_of(examples)
    assert sorted(row["number"][1] for row in rows) == list(range(200))
    [third] = [row for row in rows if row["number"][1] == 3]
    assert third == {
        "number": ("int64_list", 3),
        "temp": ("float_list", 0.375),
        "mold": ("bytes_list", b"B"),
        "y": ("bytes_list", b"1"),
    }
    assert sum("temp" not in row for row in rows) == 50
    assert sum(examples.get_int_custom_property(f"rows_{split}") for split in SPLITS) == 200
    assert examples.get_string_custom_property("data_digest") == seen["data_digest"]


def test_rows_that_change_in_between_are_said_and_kept_true(database, tmp_path, caplog):
    before, _ = found_by_the_driver()
    database.execute("DELETE FROM parts WHERE number = 7")
    after, _ = found_by_the_driver()
    with caplog.at_level(logging.WARNING, "beltline.examples"):
        examples = read(tmp_path / "out", before["data_digest"])
    assert "have changed" in caplog.text
    assert examples.get_string_custom_property("data_digest") == after["data_digest"]
    assert before["data_digest"] != after["data_digest"]


def test_what_another_query_says_is_not_the_digest_of_the_rows(database, tmp_path, caplog):
    changed = "SELECT count(*) FROM parts"
    seen, _ = found_by_the_driver(changed_by=changed)
    with caplog.at_level(logging.WARNING, "beltline.examples"):
        examples = read(tmp_path / "out", seen["data_digest"], changed_by=changed)
    assert caplog.text == ""
    rows, _ = found_by_the_driver()
    assert examples.get_string_custom_property("data_digest") == rows["data_digest"]


def test_columns_that_are_not_read_do_not_count(database, tmp_path):
    timed = f"SELECT *, random() AS now FROM ({QUERY})"
    seen, _ = found_by_the_driver(timed, exclude=["now"])
    assert found_by_the_driver(timed, exclude=["now"])[0] == seen
    examples = read(tmp_path / "out", seen["data_digest"], timed, exclude=["now"])
    assert examples.get_string_custom_property("data_digest") == seen["data_digest"]


def test_a_value_that_is_not_of_the_expected_kind_is_written_as_what_it_is(database, tmp_path):
    database.execute("UPDATE parts SET temp = 'hot' WHERE number = 5")
    examples = read(tmp_path / "out", "")
    assert ("bytes_list", b"hot") in [row.get("temp") for row in rows_of(examples)]


def test_a_span(database, tmp_path):
    query = f"{QUERY} WHERE number < :span"
    seen, examples = found_by_the_driver(query, "20")
    assert (seen["span"], examples.span) == ("20", 20)
    written = read(tmp_path / "out", seen["data_digest"], query, span="20")
    assert len(rows_of(written)) == 20
    with pytest.raises(NoData):
        found_by_the_driver(f"{QUERY} WHERE mold = :span", "2026-11-23")


def test_no_rows(database, tmp_path):
    with pytest.raises(WrongInput, match=r"data\.query: no rows"):
        read(tmp_path / "out", "", f"{QUERY} WHERE number < 0")


def test_columns_without_a_known_kind_are_found_out(database, tmp_path):
    kinds = {name: kind for name, kind in KINDS.items() if name != "temp"}
    rows = rows_of(read(tmp_path / "out", "", kinds=kinds))
    assert {row["temp"][0] for row in rows if "temp" in row} == {"float_list"}
