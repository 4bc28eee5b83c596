"""The bundle that the settings give: the same everywhere, and nothing of this machine in it."""

import io
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from tfx.orchestration.portable import runtime_parameter_utils
from tfx.proto.orchestration import pipeline_pb2

from beltline.bundle.folder import open_bundle
from beltline.pipeline.compile import compile_bundle
from beltline.pipeline.nodes import ABOUT
from beltline.pipeline.resolved import resolve
from beltline.pipeline.settings.reading import read_project
from tests.pipeline.components.small import SCHEMA, SETTINGS, project, write

REPOSITORY = Path(__file__).parents[2]
OWN_CODE = SETTINGS + "model: {network_fn: net.build}\n"


def own(folder, source="def build(): pass\n"):
    write(folder, OWN_CODE)
    (folder / "net.py").write_text(source)
    return compile_bundle(resolve(read_project(folder / "pipeline.yaml")), folder / "bundles")


def graph(bundle):
    """The compiled nodes by id."""
    compiled = pipeline_pb2.Pipeline.FromString(bundle.pipeline())
    return {node.pipeline_node.node_info.id: node.pipeline_node for node in compiled.nodes}


def test_the_bundle_holds_what_the_manifest_says(tmp_path):
    made = compile_bundle(
        resolve(project(tmp_path, "resources={Trainer: {gpu: 1, memory: 4Gi}}")),
        tmp_path / "bundles",
    )
    manifest = open_bundle(made.path).manifest
    assert manifest == made.manifest
    assert (manifest.name, manifest.push) == ("tiny", "served")
    assert manifest.defaults() == {"data-path": "data.csv", "span": "latest", "steps": 0}
    assert [each.type for each in manifest.parameters.values()] == ["string", "string", "integer"]
    optional = {"Tuned", "Tuner", "Refit", "RefitCheck", "BulkInferrer"}
    assert {node.id for node in manifest.nodes} == set(ABOUT) - optional
    resources = {node.id: node.resources for node in manifest.nodes}
    assert (resources["Trainer"].gpu, resources["Trainer"].memory) == (1, "4Gi")
    assert resources["Transform"].gpu == 0
    assert [node.id for node in manifest.nodes if node.gate] == [
        "DataGate",
        "Evaluator",
        "ServingCheck",
    ]


def test_what_may_differ_from_run_to_run_is_filled_in_when_it_runs(tmp_path):
    made = compile_bundle(resolve(project(tmp_path, "data.span=7")), tmp_path / "bundles")
    pipeline = pipeline_pb2.Pipeline.FromString(made.pipeline())
    values = {**made.manifest.defaults(), "pipeline-root": "/r", "pipeline-run-id": "r1"}
    found = runtime_parameter_utils.substitute_runtime_parameter(pipeline, values | {"steps": 9})
    assert {name: found[name] for name in made.manifest.parameters} == {
        "data-path": "data.csv",
        "span": "7",
        "steps": 9,
    }


def test_predictions_are_the_last_node_and_may_have_a_span_of_their_own(tmp_path):
    def compiled(path):
        changed = project(tmp_path, f"predict={{path: '{path}', output: p.csv, span: 7}}")
        return compile_bundle(resolve(changed), tmp_path / "bundles").manifest

    made = compiled("{SPAN}.csv")
    last = made.nodes[-1]
    assert (last.id, last.role, last.upstream) == ("BulkInferrer", "release", ("Pusher",))
    assert [node.id for node in made.nodes if node.after_skipped] == ["BulkInferrer"]
    span = made.parameters["predict-span"]
    assert (span.default, span.pattern) == ("7", made.parameters["span"].pattern)
    assert "predict-span" not in compiled("new.csv").parameters


@pytest.mark.parametrize(
    ("when", "added"), [("always", {"Tuner"}), ("missing", {"Tuned", "Tuner"}), ("never", set())]
)
def test_the_order_of_the_nodes_can_be_run(tmp_path, when, added):
    made = compile_bundle(resolve(project(tmp_path, f"tuning.when={when}")), tmp_path / "bundles")
    for nodes in (
        [(node.id, node.upstream) for node in made.manifest.nodes],
        [(name, node.upstream_nodes) for name, node in graph(made).items()],
    ):
        done = set()
        for name, upstream in nodes:
            assert set(upstream) <= done, name
            done.add(name)
        assert done & {"Tuned", "Tuner"} == added


def test_all_but_the_pusher_may_be_cached(tmp_path):
    found = graph(compile_bundle(resolve(project(tmp_path)), tmp_path / "bundles"))
    cached = {
        name: node.execution_options.caching_options.enable_cache for name, node in found.items()
    }
    assert {name for name, cache in cached.items() if not cache} == {"Pusher"}


def test_the_model_code_travels(tmp_path):
    made = own(tmp_path)
    with zipfile.ZipFile(io.BytesIO(made.code.read_bytes())) as code:
        assert code.read("net.py") == b"def build(): pass\n"
        assert "beltline/models/training.py" in code.namelist()


def test_nothing_of_this_machine_is_in_the_bundle(tmp_path):
    made = own(tmp_path)
    code = zipfile.ZipFile(made.code)
    everything = made.pipeline() + (made.path / "manifest.json").read_bytes()
    everything += b"".join(code.read(name) for name in code.namelist())
    for place in (tmp_path, REPOSITORY, Path(sys.prefix), Path.home()):
        assert str(place).encode() not in everything
    assert not re.search(rb"/(tmp|home|work|usr|Users)/\w", made.pipeline())


def test_the_same_project_elsewhere_is_the_same_bundle(tmp_path):
    first, second = own(tmp_path / "a"), own(tmp_path / "b" / "deeper")
    assert first.manifest == second.manifest
    for name in ("pipeline.pb", "code.zip", "manifest.json"):
        assert (first.path / name).read_bytes() == (second.path / name).read_bytes()


def test_a_bundle_that_is_there_stays(tmp_path):
    first = own(tmp_path)
    before = {file.name: file.stat().st_mtime_ns for file in first.path.iterdir()}
    assert own(tmp_path).path == first.path
    assert {file.name: file.stat().st_mtime_ns for file in first.path.iterdir()} == before


def test_what_a_run_depends_on_changes_the_digest(tmp_path):
    found = {own(tmp_path).manifest.digest}
    assert len(found) == 1
    changed = own(tmp_path, "def build(): return 1\n").manifest
    found.add(changed.digest)
    file = tmp_path / "pipeline.yaml"
    found.add(
        compile_bundle(resolve(read_project(file, ["training.seed=8"])), tmp_path).manifest.digest
    )
    (tmp_path / "schema.pbtxt").write_text(SCHEMA.replace("0.9", "0.8"))
    found.add(compile_bundle(resolve(read_project(file)), tmp_path).manifest.digest)
    assert len(found) == 4


def test_what_it_does_not_depend_on_leaves_the_digest(tmp_path):
    before = own(tmp_path).manifest.digest
    (tmp_path / "README.md").write_text("words")
    (tmp_path / "data.csv").write_text("other,data\n")
    (tmp_path / "schema.pbtxt").write_text("# a comment\n" + SCHEMA)
    os.utime(tmp_path / "net.py", (1, 1))
    file = tmp_path / "pipeline.yaml"
    file.write_text("# a comment\n" + OWN_CODE + "local: {root: elsewhere}\n")
    assert compile_bundle(resolve(read_project(file)), tmp_path).manifest.digest == before


COMPILE = """
import sys
from pathlib import Path
from beltline.pipeline.compile import compile_bundle
from beltline.pipeline.resolved import resolve
from beltline.pipeline.settings.reading import read_project
folder = Path(sys.argv[1])
print(compile_bundle(resolve(read_project(folder / "pipeline.yaml")), folder).manifest.digest)
"""


@pytest.mark.slow
def test_another_process_with_another_hash_seed_makes_the_same_bundle(tmp_path):
    here = own(tmp_path / "a").manifest.digest
    for seed in ("1", "2"):
        write(tmp_path / seed, OWN_CODE)
        (tmp_path / seed / "net.py").write_text("def build(): pass\n")
        done = subprocess.run(
            [sys.executable, "-c", COMPILE, tmp_path / seed],
            env=os.environ | {"PYTHONHASHSEED": seed, "PYTHONPATH": str(REPOSITORY)},
            cwd=tmp_path,
            capture_output=True,
            text=True,
        )
        assert done.stdout.split()[-1:] == [here], done.stderr


def test_a_refit_comes_after_the_gates_with_what_the_trainer_needs(tmp_path):
    wanted = ("training.refit=after_blessing", "resources={Trainer: {gpu: 1}}")
    made = compile_bundle(resolve(project(tmp_path, *wanted)), tmp_path / "bundles")
    refit, check, pusher = made.manifest.nodes[-3:]
    assert [node.id for node in (refit, check, pusher)] == ["Refit", "RefitCheck", "Pusher"]
    assert {"Evaluator", "ServingCheck", "Trainer"} <= set(refit.upstream)
    assert (refit.resources.gpu, check.resources.gpu, check.gate) == (1, 0, "serving")
    assert {"Refit", "RefitCheck", "Trainer", "Evaluator"} <= set(pusher.upstream)
