"""Which node may begin: what it follows has ended, and there is room."""

import sys

import pytest

from beltline.bundle.manifest import Node, Resources
from beltline.runners.checks.machine import GIB
from beltline.runners.local.capacity import Room, may_begin
from tests.bundle.bundles import NODES

ROOM = Room(nodes=2, cpu=4, memory=8 * GIB)


def node(name, *upstream, **asks):
    return Node(id=name, role="model", does="", upstream=upstream, resources=Resources(**asks))


def test_the_first_in_order_that_waits_for_nothing():
    assert may_begin(NODES, [], [], ROOM) == "ExampleGen"
    assert may_begin(NODES, [], ["ExampleGen"], ROOM) == "Schema"
    assert may_begin(NODES, ["ExampleGen"], ["Schema"], ROOM) == "DataGate"


def test_a_node_waits_for_all_that_it_follows():
    done = ["ExampleGen", "Schema", "Champion"]
    assert may_begin(NODES, done, ["DataGate"], ROOM) is None
    assert may_begin(NODES, [*done, "DataGate"], [], ROOM) == "Transform"


def test_each_node_has_one_turn():
    every = [node.id for node in NODES]
    assert may_begin(NODES, every, [], ROOM) is None


def test_what_is_left_out_of_a_run_is_not_waited_for():
    assert may_begin(NODES[4:], [], [], ROOM) == "Trainer"


def test_no_more_at_once_than_there_is_room_for():
    nodes = [node("A"), node("B"), node("C")]
    assert may_begin(nodes, [], ["A", "B"], ROOM) is None
    assert may_begin(nodes, [], ["A", "B"], Room(3, 4, GIB)) == "C"


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
    assert may_begin(nodes, [], ["A"], ROOM) == ("B" if fit else None)


def test_one_that_asks_for_more_than_there_is_runs_alone():
    large = [node("A"), node("B", cpu=64, memory="900Gi")]
    assert may_begin(large, [], ["A"], ROOM) is None
    assert may_begin(large, ["A"], [], ROOM) == "B"


def test_a_small_one_goes_ahead_of_a_large_one_that_has_no_room():
    nodes = [node("A", cpu=3), node("B", cpu=3), node("C", cpu=1)]
    assert may_begin(nodes, [], ["A"], ROOM) == "C"


def test_the_room_of_a_machine():
    found = Room.of_machine()
    assert found.nodes == found.cpu >= 1
    assert GIB / 16 < found.memory <= sys.maxsize
    assert Room.of_machine(7).nodes == 7
