"""The limits of a package, and the claims that stand beside them."""

import errno
import hashlib
import json
import os
import platform
import zipfile
from pathlib import Path

import pytest
import yaml
from tfx.proto.orchestration import pipeline_pb2

from beltline.base.errors import WrongInput
from beltline.bundle import folder
from beltline.pipeline.compile import compile_bundle
from beltline.pipeline.resolved import resolve
from beltline.pipeline.settings.reading import read_project
from beltline.runners.kubeflow.compile import package
from beltline.runners.kubeflow.compile.limits import (
    ARGUMENT_BYTES,
    BUNDLE_BYTES,
    PACKAGE_BYTES,
    PART_BYTES,
    RUN_BYTES,
    sizes,
)
from beltline.runners.kubeflow.delivery import encoded
from tests.bundle.bundles import manifest
from tests.kubeflow.meaning import documents
from tests.kubeflow.packages import compiled, settings

ROOT = Path(__file__).parents[4]

# Kubeflow's compiler takes seconds for each package.
pytestmark = pytest.mark.slow


def bundle_of(parent, letters):
    """A bundle whose text is this long, or the next longer one."""
    length = letters // 2
    while True:
        found = folder.write(parent / "bundles", manifest(), b"pipeline", os.urandom(length))
        if (missing := letters - len(encoded(found))) <= 0:
            return found
        length += max(missing * 7 // 10, 1)


def execute(*arguments, **environment):
    """Starts a program with these; returns what the system says to that."""
    try:
        os.posix_spawn("/bin/true", ["true", *arguments], environment)
    except OSError as error:
        return error.errno
    os.wait()
    return 0


@pytest.mark.skipif(platform.system() != "Linux", reason="the limit is Linux's")
@pytest.mark.skipif(os.sysconf("SC_PAGESIZE") != 4096, reason="the limit is 32 pages of memory")
def test_linux_takes_no_longer_argument():
    assert execute("x" * ARGUMENT_BYTES) == 0
    assert execute("x" * (ARGUMENT_BYTES + 1)) == errno.E2BIG
    # Two that fit go together: it is each by itself that counts.
    assert execute("x" * ARGUMENT_BYTES, "x" * ARGUMENT_BYTES) == 0
    # A variable is an argument that begins with its name.
    assert execute(A="x" * (ARGUMENT_BYTES - 2)) == 0
    assert execute(A="x" * (ARGUMENT_BYTES - 1)) == errno.E2BIG


def test_the_sizes_of_a_package(tmp_path):
    file = compiled(tmp_path, os.urandom(10_000))
    found = sizes(file)
    assert found.package == file.stat().st_size
    pipeline, _ = documents(file)
    container = pipeline["deploymentSpec"]["executors"]["exec-unpack"]["container"]
    assert found.task == "exec-unpack"
    assert found.argument == len(json.dumps(container))
    assert found.argument > len(container["args"][-1])
    # unpack, nodes and report; the bundle is in it eight times.
    assert found.run == 3 * 40_000 + 8 * len(container["args"][-1])
    on_the_volume = sizes(compiled(tmp_path, os.urandom(10_000), bundle="volume"))
    assert on_the_volume.run == 2 * 40_000


@pytest.mark.parametrize("part", ["root", "comp-nodes", "exec-nodes", "kubernetes"])
def test_whatever_is_largest_is_found(tmp_path, part):
    file = compiled(tmp_path)
    pipeline, platforms = yaml.load_all(file.read_text(), yaml.CSafeLoader)
    pods = platforms["platforms"]["kubernetes"]["deploymentSpec"]["executors"]
    container = pipeline["deploymentSpec"]["executors"]["exec-nodes"]["container"]
    large, task = {
        "root": (pipeline["root"], "root"),
        "comp-nodes": (pipeline["components"]["comp-nodes"], "comp-nodes"),
        "exec-nodes": (container, "exec-nodes"),
        "kubernetes": (pods["exec-nodes"], "exec-nodes (kubernetes)"),
    }[part]
    # Bytes count, not letters.
    large["text"] = "ä" * 50_000
    file.write_text(yaml.safe_dump_all([pipeline, platforms]))
    found = sizes(file)
    assert found.task == task
    assert 100_000 < found.argument < 110_000


def test_a_bundle_that_just_fits_makes_no_argument_too_long(tmp_path):
    bundle = bundle_of(tmp_path, BUNDLE_BYTES - 64)
    assert len(encoded(bundle)) <= BUNDLE_BYTES
    long = {f"example.com/label-{number}": "x" * 63 for number in range(50)}
    found = sizes(package.write(tmp_path, bundle, settings(labels=long)))
    assert BUNDLE_BYTES - 64 < found.argument < PART_BYTES
    assert found.package < PACKAGE_BYTES


def test_a_bundle_that_is_too_large_is_refused_with_the_way_out(tmp_path):
    bundle = bundle_of(tmp_path, BUNDLE_BYTES + 1)
    with pytest.raises(WrongInput) as error:
        package.write(tmp_path, bundle, settings())
    says = str(error.value)
    assert says.startswith(f"kubeflow.bundle: the bundle takes {len(encoded(bundle)):,} bytes")
    assert f"allows {BUNDLE_BYTES:,}: set `bundle: volume`, and copy {bundle.path} to" in says
    assert says.endswith(f"/beltline/bundles/{bundle.path.name}")
    assert list(tmp_path.glob("*.yaml")) == []
    assert sizes(package.write(tmp_path, bundle, settings(bundle="volume"))).argument < 20_000


def more_nodes(made, count, parent):
    """The bundle with copies of its nodes, up to so many, each with a name of its own."""
    pipeline = pipeline_pb2.Pipeline.FromString(made.pipeline())
    nodes, copied = list(made.manifest.nodes), list(pipeline.nodes)
    while len(nodes) < count:
        like = made.manifest.nodes[len(nodes) % len(copied)]
        # As long as the other one, since the format counts bytes.
        name = hashlib.sha256(str(len(nodes)).encode()).hexdigest()[: len(like.id)]
        text = next(n for n in copied if n.pipeline_node.node_info.id == like.id)
        renamed = text.SerializeToString().replace(like.id.encode(), name.encode())
        pipeline.nodes.add().MergeFromString(renamed)
        nodes.append(like.model_copy(update={"id": name}))
    changed = made.manifest.model_copy(update={"nodes": tuple(nodes)})
    content = pipeline.SerializeToString(deterministic=True)
    return folder.write(parent / "bundles", changed, content, made.code.read_bytes())


@pytest.fixture(scope="module")
def casting(tmp_path_factory):
    """The bundle of the repository's own pipeline."""
    project = read_project(ROOT / "pipeline.yaml")
    return compile_bundle(resolve(project), tmp_path_factory.mktemp("casting"))


@pytest.fixture(scope="module")
def network_alone(tmp_path_factory):
    """The same without the trees' code."""
    project = read_project(ROOT / "pipeline.yaml", ["model.learners=[network]"])
    return compile_bundle(resolve(project), tmp_path_factory.mktemp("learners"))


def test_a_bundle_leaves_room_in_the_package(casting, network_alone, tmp_path):
    with zipfile.ZipFile(casting.code) as zipped:
        assert "beltline/models/trees/learner.py" in zipped.namelist()
    searched = read_project(ROOT / "pipeline.yaml", ["tuning.when=missing"])
    tuned = len(encoded(compile_bundle(resolve(searched), tmp_path)))
    least, most = len(encoded(network_alone)), len(encoded(casting))
    assert 3_000 < tuned - most < 7_000
    print(f"\nbundles take {least:,} and {most:,} bytes in a package; {BUNDLE_BYTES:,} fit")
    assert least <= 40_000 and most <= 50_000
    shared = read_project(ROOT / "pipeline.yaml", ["training.workers=2"])
    together = len(encoded(compile_bundle(resolve(shared), tmp_path)))
    print(f"{tuned:,} with tuning, {together:,} trained by several processes")
    assert most < together < BUNDLE_BYTES


def test_a_run_of_fifty_nodes_leaves_room_in_its_object(casting, tmp_path):
    large = more_nodes(casting, 50, tmp_path)
    found = sizes(package.write(tmp_path, large, settings()))
    print(f"\n50 nodes: {len(encoded(large)):,} bytes of bundle, {found}")
    assert found.run < 550_000
    # Groups of one's own are tasks, and count as such.
    ids = [node.id for node in large.manifest.nodes]
    divided = settings(groups={"first": ids[:1], "second": ids[1:2]})
    more = sizes(package.write(tmp_path, large, divided)).run
    assert found.run + 40_000 <= more < RUN_BYTES
    from_image = sizes(package.write(tmp_path, large, settings(bundle="image"))).run
    assert from_image < 250_000
