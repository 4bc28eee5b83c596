import pytest

from beltline.runners.checks.cluster_capacity import PodRequest, SchedulingNeeds, check
from beltline.runners.checks.finding import Problem
from tests.kubeflow.cluster_objects import machine

GPU = "nvidia.com/gpu"
SMALL = machine("4", "16Gi")
KEPT = (("nvidia.com/gpu", "NoSchedule"),)


def needs(*requests, accelerator=GPU, selector=None, tolerations=(GPU,)):
    return SchedulingNeeds(requests, accelerator, selector or {}, tolerations)


def gpus(number, labels=None, taints=KEPT, name=GPU, **size):
    return machine(labels=labels, taints=taints, **size, **{name: str(number)})


def problem(nodes, wanted):
    with pytest.raises(Problem) as error:
        check(nodes, wanted)
    return str(error.value), error.value.fix


def test_some_node_is_large_enough_for_each_request():
    requests = (
        PodRequest("ExampleGen"),
        PodRequest("Transform", 4, "16Gi"),
        PodRequest("Trainer", 8, "32Gi", 2),
    )
    assert check([SMALL, gpus(4), gpus(2)], needs(*requests)) == f"3 nodes, 6 {GPU}"


def test_without_requests_any_node_will_do():
    assert check([SMALL], needs()) == f"1 node, 0 {GPU}"


@pytest.mark.parametrize("requests", [(), (PodRequest("Trainer", 1, "1Gi", 1),)])
def test_no_node_at_all(requests):
    says, fix = problem([], needs(*requests))
    assert says == "the cluster has no nodes"
    assert "scaled to zero" in fix


@pytest.mark.parametrize("memory", ["16Gi", "17179869184", "16777216Ki", "18G", "17179869184000m"])
@pytest.mark.parametrize("cpu", ["4", "4000m", "4.5", "4000000u", "1e1"])
def test_quantities_are_read_however_they_are_written(cpu, memory):
    assert check([machine(cpu, memory)], needs(PodRequest("Trainer", 4, "16Gi")))


@pytest.mark.parametrize(
    ("cpu", "memory"), [("3999m", "64Gi"), ("64", "16383Mi"), ("64", "17G"), ("64", "17179869183")]
)
def test_a_little_less_is_not_enough(cpu, memory):
    says, fix = problem([machine(cpu, memory)], needs(PodRequest("Trainer", 4, "16Gi")))
    assert says == "no node is large enough for Trainer (4 CPU, 16Gi)"
    assert fix.startswith("fix `resources.Trainer`")


@pytest.mark.parametrize("cores", [0.1, 0.94, 1.1, 2.2, 7.91, 15.89])
def test_a_fraction_of_a_core_is_what_it_looks_like(cores):
    # As floats, some of them are a little more than what is written.
    millis = f"{round(cores * 1000)}m"
    assert check([machine(millis)], needs(PodRequest("Trainer", cores)))
    problem([machine(f"{round(cores * 1000) - 1}m")], needs(PodRequest("Trainer", cores)))


def test_cores_and_memory_must_be_on_the_same_node():
    nodes = [machine("16", "4Gi"), machine("2", "64Gi")]
    assert "large enough" in problem(nodes, needs(PodRequest("Trainer", 8, "32Gi")))[0]


def test_gpus_of_several_nodes_do_not_add_up():
    says, fix = problem([gpus(1), gpus(1)], needs(PodRequest("Trainer", gpu=2)))
    assert says == "no node is large enough for Trainer (2 GPU)"
    assert "`kubeflow.accelerator` or `resources.Trainer`" in fix


@pytest.mark.parametrize("name", ["amd.com/gpu", "nvidia.com/mig-1g.5gb"])
def test_an_accelerator_of_another_name(name):
    nodes, request = [SMALL, gpus(2, name=name)], PodRequest("Trainer", gpu=2)
    assert check(nodes, needs(request, accelerator=name)) == f"2 nodes, 2 {name}"
    problem(nodes, needs(request))


def test_the_node_with_the_gpu_must_be_large_enough():
    nodes = [machine("64", "512Gi"), gpus(1, cpu="4", memory="16Gi")]
    says, _ = problem(nodes, needs(PodRequest("Trainer", 8, "32Gi", 1)))
    assert says == "no node is large enough for Trainer (8 CPU, 32Gi, 1 GPU)"


def test_the_selector_is_for_pods_with_a_gpu():
    selector = {"pool": "gpu", "zone": "a"}
    wanted = needs(PodRequest("Transform", 2), PodRequest("Trainer", gpu=1), selector=selector)
    assert check([SMALL, gpus(1, labels={**selector, "more": "x"})], wanted)
    says, fix = problem([SMALL, gpus(1, labels={"pool": "gpu"}), gpus(1)], wanted)
    assert says == "no node that is large enough for Trainer has the labels pool=gpu, zone=a"
    assert "`kubeflow.node_selector`" in fix


@pytest.mark.parametrize("effect", ["NoSchedule", "NoExecute"])
def test_a_taint_that_is_not_tolerated(effect):
    taints = (*KEPT, ("spot", effect))
    request = PodRequest("Trainer", gpu=1)
    says, fix = problem([SMALL, gpus(1, taints=taints)], needs(request))
    assert says == "every node that is large enough for Trainer has a taint (spot)"
    assert fix == "add it to `kubeflow.tolerations`"
    assert check([SMALL, gpus(1, taints=taints)], needs(request, tolerations=(GPU, "spot")))


def test_a_taint_that_only_prefers_repels_no_pod():
    assert check([machine(taints=(("old", "PreferNoSchedule"),))], needs(PodRequest("Trainer", 1)))


def test_pods_without_a_gpu_tolerate_nothing():
    says, fix = problem([gpus(1)], needs(PodRequest("Transform", 1)))
    assert says == f"every node that is large enough for Transform has a taint ({GPU})"
    assert fix == "remove the taint from a node"


def test_the_report_needs_a_node_without_taints_too():
    wanted = needs(PodRequest("Trainer", gpu=1))
    assert check([SMALL, gpus(1)], wanted)
    assert "large enough for report has a taint" in problem([gpus(1)], wanted)[0]


def test_each_taint_is_named_once():
    nodes = [machine(taints=((key, "NoSchedule"),)) for key in ("b", "a", "b")]
    assert problem(nodes, needs())[0].endswith("(a, b)")


def test_a_node_without_a_status_has_nothing():
    bare = machine()
    bare.status.allocatable = None
    assert "large enough" in problem([bare], needs(PodRequest("Trainer", 1)))[0]
