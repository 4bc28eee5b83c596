"""Which node may begin: what it follows has ended, and there is room."""

import sys

import pytest

from beltline.bundle.manifest import Node, Resources
from beltline.runners.checks.machine import GIB
from beltline.runners.local.capacity import Capacity, next_node
from tests.bundle.bundles import NODES

CAPACITY = Capacity(nodes=2, cpu=4, memory=8 * GIB)


def node(name, *upstream, **asks):
    return Node(id=name, role="model", does="", upstream=upstream, resources=Resources(**asks))


def test_the_first_in_order_that_waits_for_nothing():
    assert next_node(NODES, [], [], CAPACITY) == "ExampleGen"
    assert next_node(NODES, [], ["ExampleGen"], CAPACITY) == "Schema"
    assert next_node(NODES, ["ExampleGen"], ["Schema"], CAPACITY) == "DataGate"


def test_a_node_waits_for_all_that_it_follows():
    done = ["ExampleGen", "Schema", "Champion"]
    assert next_node(NODES, done, ["DataGate"], CAPACITY) is None
    assert next_node(NODES, [*done, "DataGate"], [], CAPACITY) == "Transform"


def test_each_node_has_one_turn():
    every = [node.id for node in NODES]
    assert next_node(NODES, every, [], CAPACITY) is None


def test_what_is_left_out_of_a_run_is_not_waited_for():
    assert next_node(NODES[4:], [], [], CAPACITY) == "Trainer"


def test_no_more_at_once_than_there_is_room_for():
    nodes = [node("A"), node("B"), node("C")]
    assert next_node(nodes, [], ["A", "B"], CAPACITY) is None
    assert next_node(nodes, [], ["A", "B"], Capacity(3, 4, GIB)) == "C"


@pytest.mark.parametrize(
    ("first", "second", "fit"),
    [
        ({"cpu": 2}, {"cpu": 2}, True),
        ({"cpu": 2}, {"cpu": 2.5}, False),
        ({"memory": "6Gi"}, {"memory": "2048Mi"}, True),
        ({"memory": "6Gi"}, {"memory": "2049Mi"}, False),
        ({"gpu": 1}, {"gpu": 1}, False),
        ({"gpu": 1}, {"cpu": 1}, True),
        ({"cpu": 4}, {}, True),
    ],
)
def test_resources_count_together(first, second, fit):
    nodes = [node("A", **first), node("B", **second)]
    assert next_node(nodes, [], ["A"], CAPACITY) == ("B" if fit else None)


def test_one_that_asks_for_more_than_there_is_runs_alone():
    large = [node("A"), node("B", cpu=64, memory="900Gi")]
    assert next_node(large, [], ["A"], CAPACITY) is None
    assert next_node(large, ["A"], [], CAPACITY) == "B"


def test_a_small_one_goes_ahead_of_a_large_one_that_has_no_room():
    nodes = [node("A", cpu=3), node("B", cpu=3), node("C", cpu=1)]
    assert next_node(nodes, [], ["A"], CAPACITY) == "C"


def test_the_room_of_a_machine():
    found = Capacity.of_machine()
    assert found.nodes == found.cpu >= 1
    assert GIB / 16 < found.memory <= sys.maxsize
    assert Capacity.of_machine(7).nodes == 7
