import pytest

from beltline.runners.checks.cluster_capacity import Ask, Needs, check
from beltline.runners.checks.finding import Problem
from tests.kubeflow.cluster_objects import machine

GPU = "nvidia.com/gpu"
SMALL = machine("4", "16Gi")
KEPT = (("nvidia.com/gpu", "NoSchedule"),)


def needs(*asks, accelerator=GPU, selector=None, tolerations=(GPU,)):
    return Needs(asks, accelerator, selector or {}, tolerations)


def gpus(number, labels=None, taints=KEPT, name=GPU, **size):
    return machine(labels=labels, taints=taints, **size, **{name: str(number)})


def problem(machines, wanted):
    with pytest.raises(Problem) as error:
        check(machines, wanted)
    return str(error.value), error.value.fix


def test_every_node_fits_somewhere():
    asks = (Ask("ExampleGen"), Ask("Transform", 4, "16Gi"), Ask("Trainer", 8, "32Gi", 2))
    found = check([SMALL, gpus(4), gpus(2)], needs(*asks))
    assert found == f"3 machines, 6 {GPU}; every node fits"


def test_without_resources_any_machine_will_do():
    assert check([SMALL], needs()) == f"1 machines, 0 {GPU}; every node fits"


@pytest.mark.parametrize("asks", [(), (Ask("Trainer", 1, "1Gi", 1),)])
def test_no_machine_at_all(asks):
    says, fix = problem([], needs(*asks))
    assert says == "the cluster shows no machine"
    assert "scaled from none" in fix


@pytest.mark.parametrize("memory", ["16Gi", "17179869184", "16777216Ki", "18G", "17179869184000m"])
@pytest.mark.parametrize("cpu", ["4", "4000m", "4.5", "4000000u", "1e1"])
def test_quantities_are_read_however_they_are_written(cpu, memory):
    assert check([machine(cpu, memory)], needs(Ask("Trainer", 4, "16Gi")))


@pytest.mark.parametrize(
    ("cpu", "memory"), [("3999m", "64Gi"), ("64", "16383Mi"), ("64", "17G"), ("64", "17179869183")]
)
def test_a_little_less_is_not_enough(cpu, memory):
    says, fix = problem([machine(cpu, memory)], needs(Ask("Trainer", 4, "16Gi")))
    assert "no machine has room for Trainer (4 CPU, 16Gi), but " in says
    assert fix == "ask for less in `resources.Trainer`"


@pytest.mark.parametrize("cores", [0.1, 0.94, 1.1, 2.2, 7.91, 15.89])
def test_a_fraction_of_a_core_is_what_it_looks_like(cores):
    # As floats, some of them are a little more than what is written.
    millis = f"{round(cores * 1000)}m"
    assert check([machine(millis)], needs(Ask("Trainer", cores)))
    problem([machine(f"{round(cores * 1000) - 1}m")], needs(Ask("Trainer", cores)))


def test_what_machines_have_is_shown_the_largest_first():
    machines = [machine("64", "7936Mi"), SMALL, SMALL, machine("15890m", "15.5Gi")]
    says, _ = problem(machines, needs(Ask("Trainer", 32, "12Gi")))
    assert says.endswith("but 4 CPU and 16.00 GiB; 15.89 CPU and 15.50 GiB; 64 CPU and 7.75 GiB")


def test_cores_and_memory_must_be_on_the_same_machine():
    machines = [machine("16", "4Gi"), machine("2", "64Gi")]
    says, _ = problem(machines, needs(Ask("Trainer", 8, "32Gi")))
    assert "no machine has room for Trainer" in says


def test_a_gpu_that_nobody_has():
    says, fix = problem([SMALL], needs(Ask("Trainer", gpu=1)))
    assert says == f"no machine has 1 {GPU}, which Trainer asks for"
    assert "`resources.Trainer.gpu` or `kubeflow.accelerator`" in fix


def test_gpus_of_several_machines_do_not_add_up():
    says, _ = problem([gpus(1), gpus(1)], needs(Ask("Trainer", gpu=2)))
    assert says == f"no machine has 2 {GPU}, which Trainer asks for"


@pytest.mark.parametrize("name", ["amd.com/gpu", "nvidia.com/mig-1g.5gb"])
def test_an_accelerator_of_another_name(name):
    machines, ask = [SMALL, gpus(2, name=name)], Ask("Trainer", gpu=2)
    assert check(machines, needs(ask, accelerator=name)) == f"2 machines, 2 {name}; every node fits"
    problem(machines, needs(ask))


def test_the_machine_with_the_gpu_must_be_large_enough():
    says, _ = problem(
        [machine("64", "512Gi"), gpus(1, cpu="4", memory="16Gi")],
        needs(Ask("Trainer", 8, "32Gi", 1)),
    )
    assert "room for Trainer (8 CPU, 32Gi, 1 GPU), but 4 CPU and 16.00 GiB" in says


def test_the_selector_is_for_nodes_with_a_gpu():
    selector = {"pool": "gpu", "zone": "a"}
    wanted = needs(Ask("Transform", 2), Ask("Trainer", gpu=1), selector=selector)
    assert check([SMALL, gpus(1, labels={**selector, "more": "x"})], wanted)
    says, fix = problem([SMALL, gpus(1, labels={"pool": "gpu"}), gpus(1)], wanted)
    assert says == f"no machine with 1 {GPU} has the labels pool=gpu, zone=a"
    assert "`kubeflow.node_selector`" in fix


@pytest.mark.parametrize("effect", ["NoSchedule", "NoExecute"])
def test_a_taint_that_is_not_tolerated(effect):
    taints = (*KEPT, ("spot", effect))
    ask = Ask("Trainer", gpu=1)
    says, fix = problem([SMALL, gpus(1, taints=taints)], needs(ask))
    assert says == "a taint keeps Trainer off every machine that fits (spot)"
    assert fix == "add it to `kubeflow.tolerations`"
    assert check([SMALL, gpus(1, taints=taints)], needs(ask, tolerations=(GPU, "spot")))


def test_a_taint_that_only_prefers_bars_nobody():
    assert check([machine(taints=(("old", "PreferNoSchedule"),))], needs(Ask("Trainer", 1)))


def test_nodes_without_a_gpu_tolerate_nothing():
    says, fix = problem([gpus(1)], needs(Ask("Transform", 1)))
    assert says == f"a taint keeps Transform off every machine that fits ({GPU})"
    assert fix == "free a machine of its taint"


def test_the_tasks_beside_the_nodes_need_a_free_machine_too():
    wanted = needs(Ask("Trainer", gpu=1))
    assert check([SMALL, gpus(1)], wanted)
    says, _ = problem([gpus(1)], wanted)
    assert "keeps report off every machine" in says


def test_each_taint_is_named_once():
    machines = [machine(taints=((key, "NoSchedule"),)) for key in ("b", "a", "b")]
    says, _ = problem(machines, needs())
    assert says.endswith("(a, b)")


def test_a_machine_that_tells_nothing_of_itself_has_nothing():
    bare = machine()
    bare.status.allocatable = None
    says, _ = problem([bare], needs(Ask("Trainer", 1)))
    assert says.endswith("but 0 CPU and 0.00 GiB")
