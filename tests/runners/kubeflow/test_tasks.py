from beltline.runners.kubeflow.tasks import read_tasks
from tests.bundle.bundles import NODES
from tests.kubeflow.packages import bundle, compiled


def test_tasks_of_a_package(tmp_path):
    tasks = read_tasks(compiled(tmp_path))
    assert tasks.nodes == {"nodes": tuple(node.id for node in NODES)}
    assert tasks.others == ("unpack",)
    assert tasks.report == "report"
    assert tasks.bundle == bundle(tmp_path).path.name


def test_the_nodes_of_each_task(tmp_path):
    groups = {"train": ["Trainer"], "look": ["Champion"]}
    assert read_tasks(compiled(tmp_path, groups=groups)).nodes == {
        "data-model": ("ExampleGen", "DataGate", "Schema", "Transform"),
        "train": ("Trainer",),
        "look": ("Champion",),
        "pusher": ("Pusher",),
    }


def test_a_bundle_on_the_volume_needs_no_unpacking(tmp_path):
    assert read_tasks(compiled(tmp_path, bundle="volume")).others == ()
