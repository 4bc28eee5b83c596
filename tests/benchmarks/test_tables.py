"""The maths of the comparison, and its place in the page."""

from benchmarks import tables
from benchmarks.results import Size, add


def size(name: str, rows: int, factor: float = 1.0) -> Size:
    made = Size(name, rows)
    for ours, stock in ((20.0, 100.0), (90.0, 50.0), (30.0, 60.0)):
        made.seconds["cold", "ours"].append(ours * factor)
        made.seconds["cold", "stock"].append(stock)
    made.mib["ours"] = [900.0, 1100.0, 1000.0]
    made.mib["stock"] = [2000.0, 2000.0, 2000.0]
    return made


def cells(table: str, line: int) -> list[str]:
    return [cell.strip() for cell in table.splitlines()[line].strip("|").split("|")]


def test_the_ratio_is_that_of_the_medians() -> None:
    # The means would give 0.20, the median of the ratios 0.5.
    made = size("15k", 15_002)
    made.seconds["cold", "stock"] = [40.0, 50.0, 600.0]
    assert made.ratio("cold") == 30 / 50


def test_a_comparison_shows_each_figure_the_medians_and_whether_the_target_is_met() -> None:
    table = tables.compared([size("15k", 15_002), size("150k", 150_020)])
    medians = ["20.0, 90.0, 30.0", "30.0", "100.0, 50.0, 60.0", "60.0", "0.500"]
    assert cells(table, 2) == ["first run", "15,002", *medians, "≤ 0.6"]
    assert cells(table, 3) == ["first run", "150,020", *medians, "≤ 0.4: missed"]


def test_without_a_target_there_is_no_verdict() -> None:
    assert cells(tables.compared([size("600", 600)]), 2)[-1] == ""


def test_growth_is_said_in_seconds_and_in_the_highest_memory() -> None:
    text = tables.growth([size("15k", 1000), size("150k", 10_000, factor=2)])
    assert cells(text, 2) == ["1,000", "30.0", "3000.0", "1,100", "60.0", "2,000"]
    assert cells(text, 3)[:3] == ["10,000", "60.0", "600.0"]
    assert "10 times the rows took 2.0 times the seconds and 1.00 times the memory." in text
    assert "at most 4,096 MiB is met" in text


def test_memory_above_the_limit_is_a_target_missed() -> None:
    made = size("15k", 15_002)
    made.mib["ours"].append(4100.0)
    assert "is missed" in tables.growth([made])


def test_a_node_is_compared_with_its_bare_computation_if_it_has_one() -> None:
    made = size("15k", 15_002)
    add(made.nodes, {"Trainer": 6.0, "Pusher": 0.1})
    add(made.nodes, {"Trainer": 8.0, "Pusher": 0.3})
    add(made.bare, {"Trainer": 2.0})
    table = tables.distances([made])
    assert cells(table, 2) == ["Trainer", "7.00 / 2.00 = 3.5"]
    assert cells(table, 3) == ["Pusher", "0.20"]
