"""Tables as the commands print them."""

from beltline.runners.cli.table import table


def test_columns_line_up_and_numbers_go_to_the_right():
    rows = [["name", "metric"], ["a", "10.5"], ["longer", "-"], ["b", "1"]]
    assert table(rows) == [
        "name    metric",
        "a         10.5",
        "longer       -",
        "b            1",
    ]
