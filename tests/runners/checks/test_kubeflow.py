"""The command against a real registry and stubs of Kubeflow's and the cluster's API.

Packages are compiled from a small manifest; compiling itself needs TFX.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from click.testing import CliRunner

from beltline.base.errors import WrongInput
from beltline.bundle import environment
from beltline.runners.checks import kubeflow as checks
from beltline.runners.checks.cluster_capacity import PodRequest
from beltline.runners.checks.kubeflow import LOCK, MODELS, NAMES, SOURCE, VERSION
from beltline.runners.cli.commands.check import check
from beltline.runners.cli.options import open_project
from beltline.runners.kubeflow.compile import package
from beltline.runners.kubeflow.server.api import KUBEFLOW, TOKEN
from tests import image_registry
from tests.docs.samples import shown, unlike
from tests.kubeflow import cluster_stub
from tests.kubeflow.cluster_objects import (
    ENCODED,
    VALUE,
    claim,
    config_map,
    machine,
    namespace,
    secret,
)
from tests.kubeflow.packages import bundle, compiled, settings, with_monitoring
from tests.kubeflow.stub import Answer
from tests.runners.projects import project

ROOT = Path(__file__).parents[3]
LOGIN = "planted-login-of-the-cluster"
SCHEMA = """\
feature { name: "bad" type: BYTES domain: "bad" }
feature { name: "temp" type: FLOAT }
string_domain { name: "bad" value: "no" value: "yes" }
"""
SETTINGS = """\
resources: {Trainer: {cpu: 4, memory: 16Gi, gpu: 1}}
kubeflow:
  image: IMAGE
  namespace: team-a
  volume_claim: shared
  secrets: {beltline: {metadata: BELTLINE_METADATA}}
"""


@pytest.fixture(scope="module")
def registry():
    with image_registry.registry() as found:
        yield found


@pytest.fixture
def lock(tmp_path, monkeypatch):
    """The digest of the lock that this environment has."""
    (tmp_path / "prefix").mkdir()
    (tmp_path / "prefix" / environment.LOCK).write_text("tfx==1.21.0\n")
    monkeypatch.setattr(sys, "prefix", str(tmp_path / "prefix"))
    environment.lock_digest.cache_clear()
    yield environment.lock_digest()
    environment.lock_digest.cache_clear()


@pytest.fixture
def folder(kubeflow, tmp_path, monkeypatch):
    """A project for Kubeflow; of image and cluster there is nothing here."""
    file = project(tmp_path)
    file.write_text(file.read_text() + SETTINGS.replace("IMAGE", "127.0.0.1:1/beltline:1"))
    (tmp_path / "line.pbtxt").write_text(SCHEMA)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/nobody")
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    monkeypatch.setenv(KUBEFLOW, kubeflow.url)
    for name in (TOKEN, "KUBECONFIG", "KUBERNETES_SERVICE_HOST"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(checks, "compile_kubeflow", lambda _, folder: compiled(folder))
    return tmp_path


@pytest.fixture
def cluster(folder, monkeypatch):
    """A cluster with all that the settings name."""
    with cluster_stub.cluster(LOGIN) as known:
        known.objects = [
            namespace(),
            secret("beltline", "metadata"),
            config_map("workflow-controller-configmap", "kubeflow"),
            claim(),
            machine(),
            machine(**{"nvidia.com/gpu": "1"}, taints=(("nvidia.com/gpu", "NoSchedule"),)),
        ]
        file = cluster_stub.kubeconfig(folder / "kubeconfig", known.url, LOGIN)
        monkeypatch.setenv("KUBECONFIG", str(file))
        yield known


def invoke(*arguments):
    result = CliRunner().invoke(check, ["kubeflow", *arguments])
    for hidden in (VALUE, ENCODED, LOGIN):
        assert hidden not in result.output + str(result.exception)
    return result


def findings(*arguments):
    return {each["check"]: each for each in json.loads(invoke("--json", *arguments).stdout)}


def image(registry, tag, **labels):
    """Pushes an image, and returns the option that names it."""
    registry.push("beltline", {VERSION: "0.1.0", **labels}, tag)
    return ("--set", f"kubeflow.image={registry.host}/beltline:{tag}")


def labels_of(lock):
    return {LOCK: lock, SOURCE: environment.source_digest()}


def test_where_all_is_well(kubeflow, cluster, registry, lock, folder):
    before = sorted(folder.rglob("*"))
    result = invoke(*image(registry, "good", **labels_of(lock)))
    assert result.exit_code == 0, result.output
    lines = [line.split(maxsplit=2) for line in result.output.splitlines()]
    assert [line[:2] for line in lines] == [["ok", name] for name in ("settings", *NAMES)]
    said = {name: text for _, name, text in lines}
    assert said["image"] == (
        f"{registry.host}/beltline:good at {registry.host}: 0.1.0, lock {lock}"
    )
    assert said["kubeflow"] == f"Kubeflow Pipelines 2.17.0 at {kubeflow.url}"
    assert said["resources"] == "2 nodes, 1 nvidia.com/gpu"
    # To look has made nothing, here or there.
    assert sorted(folder.rglob("*")) == before
    assert kubeflow.asked == []


def test_it_prints_what_is_shown(folder, registry, lock, monkeypatch):
    monkeypatch.setenv("KUBECONFIG", str(folder / "nothing"))
    theirs = {**labels_of(lock), LOCK: "0123456789abcdef"}
    result = invoke(*image(registry, "1", **theirs))
    sample = shown("beltline check kubeflow")
    # A path has no colon, as an address has.
    sample = sample.replace("registry.example", registry.host)
    assert unlike(sample, result.output) == [], result.output


def test_what_cannot_be_asked_from_here_is_no_failure(folder):
    result = invoke()
    assert result.exit_code == 0, result.output
    found = findings()
    assert [name for name, each in found.items() if each["ok"] is None] == [
        *("image", "cluster", "rest")
    ]
    assert "no local Docker engine is reachable" in found["image"]["text"]
    assert all(name in found["rest"]["text"] for name in NAMES[NAMES.index("cluster") + 1 :])
    assert not [each for each in found.values() if each["ok"] is False]


def test_what_fails_is_counted_after_all_was_printed(cluster):
    cluster.objects = [namespace(), machine()]
    result = invoke()
    assert isinstance(result.exception, WrongInput)
    assert str(result.exception) == "check kubeflow: 3 of 12 failed: secrets, volume, resources"
    assert "secret 'beltline' not found in namespace 'team-a'" in result.stdout
    assert "no node is large enough for Trainer (4 CPU, 16Gi, 1 GPU)" in result.stdout
    assert len(result.stdout.splitlines()) == 12


def test_settings_that_are_wrong_keep_all_that_needs_them_from_being_checked(folder):
    found = findings("--set", "kubeflow.volume_clam=x")
    assert found["settings"]["ok"] is False
    assert "did you mean 'volume_claim'" in found["settings"]["text"]
    assert list(found) == ["settings", "rest"]
    assert all(name in found["rest"]["text"] for name in NAMES)


def test_what_does_not_fit_together_keeps_nothing_else_from_being_checked(cluster, folder):
    (folder / "line.pbtxt").write_text("faeture {}")
    found = findings()
    assert found["pipeline"]["ok"] is False
    assert "line.pbtxt" in found["pipeline"]["text"]
    assert found["volume"]["ok"] is True


@pytest.mark.parametrize("label", [LOCK, SOURCE])
def test_an_image_of_another_lock_or_another_beltline(folder, registry, lock, label):
    theirs = {**labels_of(lock), label: "0123456789abcdef"}
    found = findings(*image(registry, "other", **theirs))["image"]
    assert found["ok"] is False
    assert f"0123456789abcdef, this environment has {labels_of(lock)[label]}" in found["text"]
    assert "rebuild and push the image" in found["fix"]


def test_the_model_code_of_the_image_counts_where_the_package_leaves_it_out(folder, registry, lock):
    chosen = image(registry, "models", **labels_of(lock), **{MODELS: "0123456789abcdef"})
    assert findings(*chosen)["image"]["ok"] is True
    found = findings(*chosen, "--set", "kubeflow.bundle=image")["image"]
    assert found["ok"] is False
    assert "Beltline's model code 0123456789abcdef, this environment has" in found["text"]
    chosen = image(registry, "same", **labels_of(lock), **{MODELS: environment.models_digest()})
    assert findings(*chosen, "--set", "kubeflow.bundle=image")["image"]["ok"] is True


@pytest.mark.parametrize("label", [LOCK, SOURCE])
def test_an_image_that_does_not_say_what_it_is(folder, registry, lock, label):
    theirs = {**labels_of(lock), label: ""}
    found = findings(*image(registry, "mute", **theirs))["image"]
    assert found["ok"] is False
    assert found["text"].endswith(f"has no label {label}")
    assert "`make image`" in found["fix"]


def test_where_one_side_knows_no_lock_there_is_nothing_to_compare(folder, registry, lock):
    chosen = image(registry, "unlocked", **{**labels_of(lock), LOCK: "unlocked"})
    assert findings(*chosen)["image"]["ok"] is True
    (Path(sys.prefix) / environment.LOCK).unlink()
    environment.lock_digest.cache_clear()
    chosen = image(registry, "locked", **labels_of("0123456789abcdef"))
    assert findings(*chosen)["image"]["ok"] is True


def test_an_image_that_was_not_pushed(folder, registry):
    found = findings("--set", f"kubeflow.image={registry.host}/beltline:never")["image"]
    assert found["ok"] is False
    assert found["text"] == f"beltline (never) not found at {registry.host}"


def test_no_image_is_named(folder, monkeypatch):
    found = findings("--set", "kubeflow.image=null")
    assert found["image"]["ok"] is False
    assert "kubeflow.image" in found["image"]["fix"]


def test_kubeflow_that_cannot_be_asked(kubeflow, folder):
    kubeflow.always = Answer(404, "404 page not found", "text/plain")
    found = findings()["kubeflow"]
    assert found["ok"] is False
    assert "not Kubeflow Pipelines 2" in found["text"]
    kubeflow.always, kubeflow.token = None, "another"
    found = findings()["kubeflow"]
    assert found["ok"] is False
    assert "requires a login (401)" in found["text"]


def test_with_multi_user_kubeflow_s_own_namespace_is_nobody_s(kubeflow, folder):
    kubeflow.multi_user = True
    assert findings()["kubeflow"]["ok"] is True
    found = findings("--set", "kubeflow.namespace=kubeflow")["kubeflow"]
    assert found["ok"] is False
    assert "'kubeflow' is not a profile's namespace" in found["text"]
    assert "`kubeflow.namespace`" in found["fix"]
    kubeflow.multi_user = False
    assert findings("--set", "kubeflow.namespace=kubeflow")["kubeflow"]["ok"] is True


def test_the_sizes_of_the_package(folder, monkeypatch):
    words = findings()["package"]["text"].replace(",", "").split()
    size, argument = int(words[0]), int(words[5])
    assert 1_000 < argument < size < 100_000
    monkeypatch.setattr(checks, "PART_BYTES", argument - 1)
    found = findings()["package"]
    assert found["ok"] is None
    assert f"more than {argument - 1:,} need an Argo controller" in found["text"]
    monkeypatch.setattr(checks, "ARGUMENT_BYTES", argument - 1)
    found = findings()["package"]
    assert found["ok"] is False
    assert f"{argument:,} bytes, {argument - 1:,} at most" in found["text"]
    monkeypatch.setattr(checks, "PACKAGE_BYTES", size - 1)
    found = findings()["package"]
    assert found["ok"] is False
    assert found["text"] == f"{size:,} bytes, {size - 1:,} at most"


def test_where_the_model_is_watched_the_larger_package_counts(folder, monkeypatch):
    monkeypatch.setattr(checks, "compile_kubeflow", lambda _, folder: with_monitoring(folder))
    plain = findings()["package"]["text"]
    watched = findings("--set", "kubeflow.monitoring_schedule='15 * * * *'")["package"]["text"]
    sizes = [int(text.split()[0].replace(",", "")) for text in (plain, watched)]
    assert sizes[0] < sizes[1]


def test_a_bundle_that_is_too_large_is_to_be_copied_from_where_it_stays(folder, monkeypatch):
    def compile_kubeflow(_, folder):
        return package.write(folder, bundle(folder, os.urandom(100_000)), settings())

    monkeypatch.setattr(checks, "compile_kubeflow", compile_kubeflow)
    found = findings()["package"]
    assert found["ok"] is False
    assert "set `bundle: volume`, and copy build/kubeflow/line/bundles/" in found["text"]
    assert tempfile.gettempdir() not in found["text"]


def test_a_run_that_would_outgrow_kubernetes_is_found(folder, monkeypatch):
    monkeypatch.setattr(checks, "compile_kubeflow", lambda _, folder: compiled(folder))
    assert findings()["package"]["ok"] is True
    monkeypatch.setattr(checks, "RUN_BYTES", 120_000)
    found = findings()["package"]
    assert found["text"].startswith("a run's object would take ")
    assert found["fix"] == "set `kubeflow.bundle: image`, or fewer `kubeflow.groups`"


def test_what_is_compiled_for_the_check_is_gone_after_it(folder, monkeypatch):
    folders = []
    monkeypatch.setattr(
        checks, "compile_kubeflow", lambda _, folder: folders.append(folder) or compiled(folder)
    )
    assert findings()["package"]["ok"] is True
    assert [each.exists() for each in folders] == [False]


def test_what_the_settings_name_is_asked_for(folder):
    chosen = (
        "kubeflow.service_account=runner",
        "kubeflow.image_pull_secrets=[registry]",
        "kubeflow.secrets={beltline: {metadata: BELTLINE_METADATA}, store: {id: A, key: B}}",
        "kubeflow.accelerator=amd.com/gpu",
        "kubeflow.node_selector={pool: gpu}",
        "kubeflow.tolerations=[amd.com/gpu, spot]",
    )
    needs = checks.needs(open_project(folder / "pipeline.yaml", chosen)[0].settings)
    assert (needs.namespace, needs.claim, needs.account) == ("team-a", "shared", "runner")
    assert needs.secrets == {"beltline": ("metadata",), "store": ("id", "key")}
    assert needs.pull_secrets == ("registry",)
    scheduling = needs.scheduling
    assert scheduling.requests == [PodRequest("Trainer", 4, "16Gi", 1)]
    assert (scheduling.accelerator, scheduling.node_selector) == ("amd.com/gpu", {"pool": "gpu"})
    assert scheduling.tolerations == ["amd.com/gpu", "spot"]


def test_all_but_the_compiling_needs_no_tfx():
    code = (
        "import sys, beltline.runners.checks.kubeflow\n"
        "print([name for name in ('tfx', 'tensorflow') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout == "[]\n", done.stderr
