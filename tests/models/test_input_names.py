"""Names of inputs that TensorFlow takes."""

from beltline.models.input_names import VALID, input_names


def test_valid_names_stay_and_others_make_room() -> None:
    columns = ["heat (°C)", "heat_C_", "Fare", "fare", "self", "größe", "1st", "°", "_x", "a b"]
    names = input_names(columns)
    assert list(names) == columns
    assert names["heat_C_"] == "heat_C_"
    assert names["heat (°C)"] == "heat_C__2"
    assert (names["Fare"], names["fare"]) == ("Fare", "fare_2")
    assert names["a b"] == "a_b"
    assert all(VALID.fullmatch(name) for name in names.values())
    assert len({name.lower() for name in names.values()}) == len(columns)
