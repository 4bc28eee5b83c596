import numpy as np
import pytest

from beltline.serving.rest.predict_inputs import Fields, InputParser
from beltline.serving.rest.responses import HttpError
from beltline.serving.servables.columns import TableColumns
from beltline.versions.loaded.signature import Signature, Tensor

FLOAT = Tensor("x:0", np.dtype("float32"), (None,))
TEXT = Tensor("s:0", np.dtype("object"), (None,))
ROW = {"temp": 1.5, "die temp": 2, "mold": "M1"}
KINDS = {"temp": "number", "die temp": "integer", "mold": "text"}


def parser(key=None, columns=None, fields=None, **inputs):
    inputs = inputs or {"temp": FLOAT, "die_temp": FLOAT, "mold": TEXT}
    names = {name: name for name in inputs} | (columns or {"die_temp": "die temp"})
    signature = Signature("serving_default", "predict", inputs, {}, names, None)
    return InputParser(signature, fields or Fields(key))


def listed(parsed):
    inputs, keys = parsed
    return {name: array.tolist() for name, array in inputs.items()}, keys


def refusal(function, given):
    with pytest.raises(HttpError) as caught:
        function(given)
    assert caught.value.status == 400
    return str(caught.value)


def test_rows_by_the_datas_names_by_the_inputs_and_by_both():
    expected = {"temp": [1.5, 3], "die_temp": [2, 4], "mold": [b"M1", b"M2"]}
    other = {"mold": "M2", "temp": 3, "die_temp": 4}
    same = {"mold": "M2", "temp": 3, "die temp": 4}
    for second in (other, same):
        assert listed(parser().from_rows([ROW, second])) == (expected, None)
        found, _ = listed(parser().from_rows([second, ROW]))
        assert found == {name: values[::-1] for name, values in expected.items()}


def test_columns_by_either_name():
    expected = {"temp": [1.5], "die_temp": [2], "mold": [b"M1"]}
    assert listed(parser().from_columns({"temp": [1.5], "die temp": [2], "mold": ["M1"]})) == (
        expected,
        None,
    )
    assert listed(parser().from_columns({"mold": ["M1"], "temp": [1.5], "die_temp": [2]}))[0] == (
        expected
    )


def test_the_datas_names_take_precedence_over_the_inputs():
    # The column `a_2` has the input `a_2_2`, since `a_2` became that of `a`.
    names = {"A": "A", "a_2": "a", "a_2_2": "a_2"}
    three = parser(columns=names, A=FLOAT, a_2=FLOAT, a_2_2=FLOAT)
    inputs, _ = listed(three.from_rows([{"A": 1, "a": 2, "a_2": 3}]))
    assert inputs == {"A": [1], "a_2": [2], "a_2_2": [3]}
    # Who gives all the names of inputs means the inputs.
    inputs, _ = listed(three.from_rows([{"A": 1, "a_2": 2, "a_2_2": 3}]))
    assert inputs == {"A": [1], "a_2": [2], "a_2_2": [3]}


def test_a_missing_value():
    inputs, _ = parser().from_rows([{"temp": None, "die temp": None, "mold": None}])
    assert np.isnan(inputs["temp"]).all()
    assert inputs["mold"].tolist() == [b""]


def test_row_keys():
    named = parser(key="part")
    assert named.from_rows([ROW])[1] is None
    assert named.from_rows([ROW | {"part": "p1"}, ROW, ROW | {"part": 7}])[1] == ["p1", "", "7"]
    columns = {"temp": [1, 2], "die temp": [1, 2], "mold": ["a", "b"]}
    assert named.from_columns(columns)[1] is None
    assert named.from_columns(columns | {"part": ["p1", None]})[1] == ["p1", ""]
    assert "differ in length" in refusal(named.from_columns, columns | {"part": ["p1"]})
    for wrong in (1.5, True, ["p1"], {}, "\ud800"):
        assert refusal(named.from_rows, [ROW | {"part": wrong}])
        assert refusal(named.from_columns, columns | {"part": [wrong, "p2"]})
    assert "part" in refusal(parser().from_rows, [ROW | {"part": "p1"}])


def test_an_input_with_the_name_of_the_key_stays_an_input():
    assert listed(parser(key="mold").from_rows([ROW])) == (
        {"temp": [1.5], "die_temp": [2], "mold": [b"M1"]},
        None,
    )


@pytest.fixture
def counted():
    """How many values were ignored: of the table's columns, and of unknown ones."""
    return []


@pytest.fixture
def of_table(counted):
    table = TableColumns(KINDS, frozenset({"cast_at", "die_temp"}))

    def parser_of_table(**fields):
        def count(*numbers):
            counted.append(numbers)

        return parser(fields=Fields(table=table, count_ignored=count, **fields))

    return parser_of_table


def test_columns_that_the_model_does_not_read_are_ignored(of_table, counted):
    row = ROW | {"cast_at": [object()], "die_temp": 5}
    expected = {"temp": [1.5, 1.5], "die_temp": [2, 2], "mold": [b"M1", b"M1"]}
    assert listed(of_table().from_rows([row, row]))[0] == expected
    # Rows of different names.
    assert listed(of_table().from_rows([row, ROW]))[0] == expected
    assert listed(of_table().from_rows([row | {"cast_at": 1}, ROW | {"cast_at": 1}]))[0] == expected
    columns = {name: [value] * 2 for name, value in row.items()}
    assert listed(of_table().from_columns(columns))[0] == expected
    assert counted == [(4, 0), (2, 0), (3, 0), (4, 0)]
    assert listed(of_table().from_rows([ROW, ROW]))[0] == expected
    assert len(counted) == 4


@pytest.mark.parametrize("first", [ROW, ROW | {"cast_at": 1}, ROW | {"other": 1}])
def test_an_unknown_column_is_an_error_in_whatever_row(of_table, counted, first):
    why = refusal(of_table().from_rows, [first, ROW | {"cats_at": 1}])
    assert "key: cats_at" in why or "key: other" in why
    assert "did you mean 'cast_at'?" in why or "other" in why
    assert not counted


def test_unknown_columns_are_ignored_if_the_settings_say_so(of_table, counted):
    lenient = of_table(ignore_unknown=True)
    inputs, _ = listed(lenient.from_rows([ROW | {"x": 1, "cast_at": 2}, ROW | {"y": 1, "z": 2}]))
    assert inputs["temp"] == [1.5, 1.5]
    assert counted == [(1, 3)]
    assert "missing: temp" in refusal(
        lenient.from_rows, [{"tmep": 1, "die temp": 2, "mold": "M1", "cast_at": 1}]
    )


def test_the_key_of_a_row_may_be_a_column_that_is_not_read(of_table):
    rows = [ROW | {"cast_at": "noon"}, ROW]
    assert of_table(key="cast_at").from_rows(rows)[1] == ["noon", ""]


def test_values_mean_what_they_do_in_the_table(of_table):
    row = {"temp": "1.5", "die temp": " 2 ", "mold": 7}
    inputs, _ = listed(of_table().from_rows([row, {"temp": "NA", "die temp": "", "mold": "null"}]))
    assert inputs["mold"] == [b"7", b""]
    assert [inputs["temp"][0], inputs["die_temp"][0]] == [1.5, 2]
    assert np.isnan([inputs["temp"][1], inputs["die_temp"][1]]).all()


@pytest.mark.parametrize("value", [48.9, 1e300, -1e300, "48.9", float("inf")])
def test_what_a_column_of_whole_numbers_cannot_hold(of_table, value):
    words = ("is not a whole number", "is beyond ±9007199254740991")
    why = refusal(of_table().from_rows, [ROW, ROW | {"die temp": value}])
    assert "Failed to process element: 1 key: die temp of 'instances' list." in why
    assert any(each in why for each in words)
    columns = {"temp": [1, 1], "die temp": [1, value], "mold": ["a", "b"]}
    why = refusal(of_table().from_columns, columns)
    assert "key: die temp row: 1 of 'inputs' object." in why
    assert any(each in why for each in words)


@pytest.mark.parametrize(
    ("rows", "why"),
    [
        ({}, "Excepting 'instances' to be an list/array"),
        ([], "No values in 'instances' array"),
        ([1], "instances is a plain list, but expecting list of objects as multiple input tensors"),
        ([{"b64": "YQ=="}], "instances is a plain list"),
        ([ROW, 1], "Expecting object but got list at item 1 of input list"),
        ([ROW, []], "Expecting object but got list at item 1 of input list"),
        ([ROW, None], "Expecting object but got list at item 1 of input list"),
        ([ROW, {"b64": "YQ=="}], "Expecting object but got list at item 1 of input list"),
        (
            [ROW, ROW | {"tmep": 1}],
            "Failed to process element: 1 key: tmep of 'instances' list. Error: INVALID_ARGUMENT: "
            "JSON object: does not have named input: tmep; did you mean 'temp'?",
        ),
        (
            [{"temp": 1, "mold": "a"}],
            "Failed to process element: 0 of 'instances' list. JSON object: "
            '{"mold": "a", "temp": 1} keys must be equal to: die temp,mold,temp; missing: die temp',
        ),
        ([ROW, {"temp": 1, "mold": "a", "x": 1}], "element: 1 key: x"),
        ([ROW | {"die_temp": 2}], "given twice, by both of its names: die temp"),
        ([{}], "missing: die temp,mold,temp"),
        (
            [ROW, ROW | {"temp": "hot"}],
            "Failed to process element: 1 key: temp of 'instances' list. Error: INVALID_ARGUMENT: "
            'JSON Value: "hot" Type: String is not of expected type: float',
        ),
        ([ROW | {"die temp": True}], "key: die temp"),
    ],
)
def test_invalid_rows(rows, why):
    assert why in refusal(parser().from_rows, rows)


@pytest.mark.parametrize(
    ("columns", "why"),
    [
        ([1], "inputs is a plain value/list, but expecting an object as multiple input tensors"),
        (1, "inputs is a plain value/list"),
        ({"b64": "YQ=="}, "inputs is a plain value/list"),
        ({}, "Missing named input: die temp,mold,temp in 'inputs' object."),
        ({"temp": [1], "mold": ["a"]}, "Missing named input: die temp in 'inputs' object."),
        ({"temp": [1], "mold": ["a"], "die tmp": [1]}, "did you mean 'die temp'?"),
        (
            {"temp": [1, 2], "mold": ["a"], "die temp": [1]},
            "differ in length: die_temp has 1 rows, temp has 2",
        ),
        ({"temp": 1, "mold": ["a"], "die temp": [1]}, "key: temp row: ? of 'inputs' object."),
        ({"temp": [1], "mold": ["a"], "die temp": ["x"]}, "key: die temp row: 0 of 'inputs'"),
        ({"temp": [[1]], "mold": ["a"], "die temp": [1]}, "Encountered list"),
        ({"temp": {"a": 1}, "mold": ["a"], "die temp": [1]}, "Type: Object"),
    ],
)
def test_invalid_columns(columns, why):
    assert why in refusal(parser().from_columns, columns)


def test_a_single_input_takes_plain_values():
    single = parser(columns={"x": "x"}, x=FLOAT)
    assert listed(single.from_rows([1, 2])) == ({"x": [1, 2]}, None)
    assert listed(single.from_rows([{"x": 1}, {"x": 2}])) == ({"x": [1, 2]}, None)
    assert listed(single.from_columns([1, 2])) == listed(single.from_columns({"x": [1, 2]}))
    assert "got object at item 1" in refusal(single.from_rows, [1, {"x": 1}])
    image = parser(columns={"image_bytes": "image_bytes"}, image_bytes=TEXT)
    assert listed(image.from_rows([{"b64": "YQ=="}, "b"]))[0] == {"image_bytes": [b"a", b"b"]}
    assert listed(image.from_rows([{"image_bytes": {"b64": "YQ=="}}]))[0] == {"image_bytes": [b"a"]}
