import pytest

from beltline.base.errors import WrongInput
from beltline.runners.local.partial import check_node, nodes_between
from tests.bundle.bundles import NODES, manifest

ALL = [node.id for node in NODES]


@pytest.mark.parametrize(
    ("start", "end", "nodes"),
    [
        (None, None, ALL),
        ("ExampleGen", None, ["ExampleGen", "DataGate", "Transform", "Trainer", "Pusher"]),
        ("Schema", None, ["Schema", "Transform", "Trainer", "Pusher"]),
        ("Pusher", None, ["Pusher"]),
        (None, "Transform", ["ExampleGen", "DataGate", "Schema", "Transform"]),
        (None, "Champion", ["Champion"]),
        (None, "Pusher", ALL),
        ("DataGate", "Trainer", ["DataGate", "Transform", "Trainer"]),
        ("Trainer", "Trainer", ["Trainer"]),
    ],
)
def test_which_nodes_are_meant(start, end, nodes):
    assert nodes_between(manifest(), start, end) == nodes


@pytest.mark.parametrize(
    ("start", "end"), [("Trainer", "ExampleGen"), ("Schema", "DataGate"), ("Champion", "Trainer")]
)
def test_where_no_way_leads_is_refused(start, end):
    with pytest.raises(WrongInput, match=f"--from {start} --to {end}: no path leads"):
        nodes_between(manifest(), start, end)


@pytest.mark.parametrize(
    ("given", "nearest"),
    [("trainer", "Trainer"), ("DataGat", "DataGate"), ("Schemas", "Schema")],
)
def test_a_node_that_is_not_there_is_refused_with_the_nearest(given, nearest):
    with pytest.raises(WrongInput, match=f"--to {given}: node not found; did you mean {nearest}"):
        nodes_between(manifest(), None, given)


def test_where_none_is_near_all_are_named():
    with pytest.raises(WrongInput) as refused:
        check_node(ALL, "--force", "xyz")
    assert "did you mean" not in str(refused.value)
    assert all(name in str(refused.value) for name in ALL)
    check_node(ALL, "--force", "Trainer")
