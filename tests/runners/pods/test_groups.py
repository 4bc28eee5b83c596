"""Which nodes share a pod, and what is refused."""

from typing import Any

import pytest

from beltline.base.errors import WrongInput
from beltline.bundle.manifest import Manifest, Resources
from beltline.runners.pods.groups import grouped
from tests.bundle.bundles import NODES, manifest

ALL = [node.id for node in NODES]


def with_resources(**asked: Resources) -> Manifest:
    nodes = [
        node.model_copy(update={"resources": asked.get(node.id, node.resources)}) for node in NODES
    ]
    return manifest(nodes=tuple(nodes))


def found(manifest: Manifest, **chosen: list[str]) -> dict[str, Any]:
    groups = grouped(manifest, chosen, "kubeflow.groups")
    return {each.name: ([node.id for node in each.nodes], each.upstream) for each in groups}


def test_without_a_gpu_all_nodes_share_a_pod() -> None:
    assert found(manifest()) == {"nodes": (ALL, ())}


def test_a_node_with_a_gpu_has_a_pod_of_its_own_and_parts_the_others() -> None:
    assert found(with_resources(Trainer=Resources(gpu=1))) == {
        "data-model": (["ExampleGen", "DataGate", "Schema", "Transform"], ()),
        "Trainer": (["Trainer"], ("data-model",)),
        "release": (["Champion", "Pusher"], ("Trainer",)),
    }


def test_the_settings_choose_and_the_rest_is_by_default() -> None:
    assert found(manifest(), train=["Trainer"]) == {
        "data-model": (["ExampleGen", "DataGate", "Schema", "Transform"], ()),
        "train": (["Trainer"], ("data-model",)),
        "release": (["Champion", "Pusher"], ("train",)),
    }
    assert found(manifest(), train=["Trainer", "Transform"], release=["Pusher", "Champion"]) == {
        "data": (["ExampleGen", "DataGate", "Schema"], ()),
        "train": (["Transform", "Trainer"], ("data",)),
        "release": (["Champion", "Pusher"], ("train",)),
    }


def test_names_stay_apart() -> None:
    chosen = {"data": ["DataGate"], "Schema": ["Transform"]}
    assert [*found(manifest(), **chosen)] == [
        *("ExampleGen", "Schema-2", "data", "Schema", "model-release")
    ]


def test_every_node_is_in_one_group_and_groups_are_in_an_order_in_which_they_can_run() -> None:
    for chosen in ({}, {"a": ["Trainer"]}, {"a": ["Champion"], "b": ["ExampleGen"]}):
        groups = found(manifest(), **chosen)
        assert sorted(node for nodes, _ in groups.values() for node in nodes) == sorted(ALL)
        names = [*groups]
        for name, (_, upstream) in groups.items():
            assert all(names.index(each) < names.index(name) for each in upstream)


def test_a_pod_asks_for_what_its_most_demanding_node_asks_for() -> None:
    asked = with_resources(
        Transform=Resources(cpu=2, memory="3072Mi"), Pusher=Resources(cpu=0.5, memory="4Gi")
    )
    [group] = grouped(asked, {}, "kubeflow.groups")
    assert group.resources == Resources(cpu=2, memory="4Gi")
    gpus = with_resources(Trainer=Resources(gpu=2))
    [both] = [each for each in grouped(gpus, {"a": ALL}, "k") if each.name == "a"]
    assert both.resources.gpu == 2


@pytest.mark.parametrize(
    ("chosen", "says"),
    [
        ({"a": ["trainr"]}, r"^groups\.a: trainr: node not found; did you mean Trainer\?"),
        ({"a": ["Trainer"], "b": ["Trainer"]}, r"^groups\.b: Trainer is in group a already"),
        (
            {"a": ["ExampleGen", "Trainer"]},
            r"^groups: these groups would wait for each other: .*a.* into one",
        ),
    ],
)
def test_what_cannot_be_is_refused(chosen: dict[str, list[str]], says: str) -> None:
    with pytest.raises(WrongInput, match=says):
        grouped(manifest(), chosen, "groups")
