import json

import pytest

from beltline.bundle.folder import open_bundle
from beltline.runners.kubeflow.delivery import decoded
from beltline.runners.kubeflow.tasks import read_tasks
from tests.kubeflow.meaning import meaning
from tests.runners.projects import project

pytestmark = pytest.mark.slow

SCHEMA = """\
feature { name: "bad" type: BYTES domain: "bad" }
feature { name: "temp" type: FLOAT }
string_domain { name: "bad" value: "no" value: "yes" }
"""
KUBEFLOW = (
    *("--set", "kubeflow.image=registry.example.com/beltline:1"),
    *("--set", "kubeflow.volume_claim=beltline"),
    "--set",
    "kubeflow.secrets={beltline: {metadata: BELTLINE_METADATA}, parts: {url: BELTLINE_DATABASE}}",
)
QUERY = "{source: sql, query: 'SELECT * FROM parts WHERE day = :span'}"
# Wherever a secret may be when somebody compiles, another one.
PLANTED = {
    "BELTLINE_METADATA": "mysql://beltline:planted-1@db/metadata",
    "BELTLINE_DATABASE": "postgresql://reader:planted-6@db/parts",
    "BELTLINE_AIRFLOW": "http://admin:planted-2@127.0.0.1:8080",
    "BELTLINE_KUBEFLOW_TOKEN": "planted-3",
    "STORE_KEY": "planted-4",
    "BELTLINE_WEBHOOK": "https://hooks.example.com/planted-7",
    "MLFLOW_TRACKING_PASSWORD": "planted-8",
}
IN_LOCAL = ("--set", "local.metadata=mysql://me:planted-5@db/mlmd")


@pytest.fixture
def folder(tmp_path):
    """A project whose data are not there yet."""
    project(tmp_path)
    (tmp_path / "line.pbtxt").write_text(SCHEMA)
    return tmp_path


def deployed(folder):
    return json.loads((folder / "build/airflow/line/deployment.json").read_text())


def test_what_airflow_loads_is_written(beltline, folder):
    done = beltline("compile", "airflow", "--set", "data.path=in/{YYYY}-{MM}-{DD}.csv", cwd=folder)
    assert done.code == 0, done.text
    target = folder / "build/airflow/line"
    assert (target / "dag.py").is_file()
    bundle = open_bundle(target / "bundles" / deployed(folder)["bundle"])
    assert bundle.manifest.parameters["data-path"].default == "in/{YYYY}-{MM}-{DD}.csv"
    assert bundle.manifest.digest[:12] in done.out
    assert "next" in done.out
    # Not the libraries' chatter.
    assert done.err == ""


def test_places_and_settings_are_in_the_deployment_but_nothing_of_local(beltline, folder):
    own = "local.metadata=mysql://me:hunter2@db/mlmd"
    hook = "tracking.webhook.url=https://hooks.example.com/hunter3"
    done = beltline(
        *("compile", "airflow", "-o", "build/airflow/line", "--set", hook),
        *("--set", own, "--set", "airflow.retries=5", "--set", "local.root=runs"),
        cwd=folder,
    )
    assert done.code == 0, done.text
    written = deployed(folder)
    assert written["airflow"]["retries"] == 5
    assert written["airflow"]["root"] == str(folder / "runs")
    assert written["airflow"]["data"] == str(folder)
    assert json.loads(written["settings"])["airflow"] == {"retries": 5}
    for file in (folder / "build/airflow/line").rglob("*.json"):
        assert "hunter2" not in file.read_text()
    # Whom the nodes tell, and not what every user of Airflow sees.
    assert "hunter3" in written["airflow"]["variables"]["BELTLINE_TRACKING"]
    assert "hunter3" not in written["settings"]


def test_what_kubeflow_loads_is_written(beltline, folder):
    gpu = ("--set", "resources={Trainer: {cpu: 4, memory: 8Gi, gpu: 1}}")
    done = beltline("compile", "kubeflow", *KUBEFLOW, *gpu, cwd=folder)
    assert done.code == 0, done.text
    target = folder / "build/kubeflow/line"
    [path] = (target / "bundles").iterdir()
    bundle = open_bundle(path)
    found = meaning(target / "pipeline.yaml")
    assert found["schema"] == "2.1.0"
    tasks = found["tasks"]
    # The node with a GPU has a pod of its own, and parts those before it from those after it.
    assert set(tasks) == {"unpack", "data-model", "trainer", "release", "report"}
    ids = [node for nodes in read_tasks(target / "pipeline.yaml").nodes.values() for node in nodes]
    # A Resolver runs like any other.
    assert sorted(ids) == sorted(node.id for node in bundle.manifest.nodes) and "Champion" in ids
    assert tasks["trainer"]["resources"] == {
        "cpu": ["4", "4"],
        "memory": ["8Gi", "8Gi"],
        "gpu": ["nvidia.com/gpu", "1"],
    }
    assert tasks["trainer"]["after"] == ["data-model"]
    assert found["parameters"]["steps"] == ["NUMBER_INTEGER", 0]
    carried = decoded(tasks["unpack"]["args"][-1])
    assert carried == {file.name: file.read_bytes() for file in path.iterdir()}
    assert "beltline submit kubeflow" in done.out
    assert done.err == ""


def test_another_model_needs_no_other_image(beltline, folder):
    """The code travels in the bundle: of the package that differs, and of a pod nothing else."""
    (folder / "own.py").write_text("from beltline.models.network import build_network\n")
    own = ("--set", "model.network_fn=own.build_network")
    packages = []
    for settings in ((), own):
        done = beltline("compile", "kubeflow", *KUBEFLOW, *settings, cwd=folder)
        assert done.code == 0, done.text
        packages.append(meaning(folder / "build/kubeflow/line/pipeline.yaml")["tasks"])
    first, second = ({name: task["image"] for name, task in each.items()} for each in packages)
    assert first == second
    assert packages[0]["nodes"]["args"][1] != packages[1]["nodes"]["args"][1]


def test_limits_of_the_monitoring_are_compiled_and_make_no_other_bundle(beltline, folder):
    limits, bundles = [], []
    for rows in (300, 400):
        chosen = ("--set", f"monitoring.min_rows={rows}", "--set", "monitoring.without=[worker]")
        done = beltline("compile", "airflow", *chosen, cwd=folder)
        assert done.code == 0, done.text
        bundles.append(deployed(folder)["bundle"])
        limits.append(deployed(folder)["monitoring"])
        done = beltline("compile", "kubeflow", *KUBEFLOW, *chosen, cwd=folder)
        assert done.code == 0, done.text
        package = meaning(folder / "build/kubeflow/line/monitor.yaml")
        [word] = [each for each in package["tasks"]["monitor"]["args"] if "--watch=" in each]
        assert json.loads(word.removeprefix("--watch=")) == limits[-1]
        assert f"bundles/{bundles[-1]}" in package["tasks"]["nodes"]["args"][1]
    assert [each["min_rows"] for each in limits] == [300, 400]
    assert len(set(bundles)) == 1


@pytest.mark.parametrize("place", ["airflow", "kubeflow"])
@pytest.mark.parametrize("data", ["{path: line.csv}", QUERY])
def test_nothing_secret_and_no_path_of_this_machine_is_compiled(beltline, folder, place, data):
    settings = (*(KUBEFLOW if place == "kubeflow" else ()), *IN_LOCAL, "--set", f"data={data}")
    done = beltline("compile", place, *settings, cwd=folder, env=PLANTED)
    assert done.code == 0, done.text
    files = [path for path in (folder / "build").rglob("*") if path.is_file()]
    texts = {path.name: path.read_bytes() for path in files}
    assert {"manifest.json", "pipeline.pb", "code.zip"} < set(texts)
    if place == "kubeflow":
        # What is packed into it can't be searched as it is.
        text = meaning(folder / "build/kubeflow/line/pipeline.yaml")["tasks"]["unpack"]["args"][-1]
        texts |= {f"carried {name}": content for name, content in decoded(text).items()}
        assert str(folder).encode() not in b"".join(texts.values())
    assert [name for name, content in texts.items() if b"planted" in content] == []


def test_pods_are_told_the_database_of_a_query(beltline, folder):
    done = beltline("compile", "kubeflow", *KUBEFLOW, "--set", f"data={QUERY}", cwd=folder)
    assert done.code == 0, done.text
    tasks = meaning(folder / "build/kubeflow/line/pipeline.yaml")["tasks"]
    assert tasks["nodes"]["secrets"]["parts"] == {"url": "BELTLINE_DATABASE"}
    assert "span=<span>" in tasks["nodes"]["args"]
    assert not [each for each in tasks["nodes"]["args"] if "data-path" in each]
    lacking = "kubeflow.secrets={beltline: {metadata: BELTLINE_METADATA}}"
    settings = (*KUBEFLOW, "--set", lacking, "--set", f"data={QUERY}")
    done = beltline("compile", "kubeflow", *settings, cwd=folder)
    assert done.code == 2
    assert "kubeflow.secrets: one entry must become BELTLINE_DATABASE" in done.err


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("kubeflow.image=null", "kubeflow.image: required for Kubeflow"),
        ("kubeflow.volume_claim=null", "kubeflow.volume_claim: required for Kubeflow"),
        ("kubeflow.secrets={}", "kubeflow.secrets: one entry must become BELTLINE_METADATA"),
        ("kubeflow.schedule=nightly", "kubeflow.schedule"),
        ("kubeflow.monitoring_schedule=hourly", "kubeflow.monitoring_schedule"),
        ("kubeflow.user=0", "kubeflow.user"),
        ("kubeflow.imag=a", "did you mean 'image'?"),
        ("resources.Trainor.gpu=1", "unknown node 'Trainor'; did you mean 'Trainer'?"),
    ],
)
def test_a_mistake_for_kubeflow_is_found_before_anything_is_written(
    beltline, folder, setting, message
):
    done = beltline("compile", "kubeflow", *KUBEFLOW, "--set", setting, cwd=folder)
    assert done.code == 2
    assert message in done.err
    assert not list(folder.glob("build/**/*.yaml"))


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("airflow.where=docker", "airflow.docker.image: is required with `where: docker`"),
        ("airflow.where=kubernetes", "airflow.kubernetes.image: is required with"),
        ("airflow.timezone=Mars/Base", "unknown time zone 'Mars/Base'"),
        ("airflow.schedule=nightly", "airflow.schedule"),
        ("airflow.start_date='2026-02-30'", "airflow.start_date"),
        ("airflow.monitoring_schedule=hourly", "airflow.monitoring_schedule"),
        ("resources.Trainor.gpu=1", "unknown node 'Trainor'; did you mean 'Trainer'?"),
        ("label.column=worse", "worse"),
    ],
)
def test_a_mistake_is_found_before_anything_is_written(beltline, folder, setting, message):
    done = beltline("compile", "airflow", "--set", setting, cwd=folder)
    assert done.code == 2
    assert message in done.err
    assert not (folder / "build").exists()
