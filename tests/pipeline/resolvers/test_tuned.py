"""Which hyperparameters of an earlier run are used."""

import pytest
from tfx.types import standard_artifacts

from beltline.pipeline.resolvers.tuned import LastTuned


def searched(folder, number, problem="scrap"):
    made = standard_artifacts.HyperParameters()
    made.id = number
    made.uri = str(folder / str(number))
    (folder / str(number)).mkdir()
    made.set_string_custom_property("problem", problem)
    return made


def found(artifacts):
    resolved = LastTuned("scrap").resolve_artifacts(None, {"tuned": artifacts})
    return [each.id for each in resolved["tuned"]]


def test_without_an_earlier_run_there_is_nothing_to_use():
    assert found([]) == []
    assert LastTuned("scrap").resolve_artifacts(None, {}) == {"tuned": []}


@pytest.mark.parametrize("order", [1, -1])
def test_the_last_search_counts_in_whatever_order_they_come(tmp_path, order):
    assert found([searched(tmp_path, number) for number in (3, 5, 4)][::order]) == [5]


def test_a_search_for_something_else_does_not_count(tmp_path):
    assert found([searched(tmp_path, 3), searched(tmp_path, 4, "weight")]) == [3]
    assert found([searched(tmp_path, 5, "weight")]) == []


def test_a_result_that_was_deleted_does_not_count(tmp_path):
    made = [searched(tmp_path, number) for number in (3, 4)]
    (tmp_path / "4").rmdir()
    assert found(made) == [3]
