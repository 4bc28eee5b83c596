"""Either server of the manifests serves what the pipeline pushes, and follows what is chosen."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from beltline.base.settings.kubeflow import Kubeflow
from beltline.base.settings.monitoring import Monitoring
from beltline.bundle.environment import VERSION
from beltline.pipeline.settings.push import Push
from beltline.serving.__main__ import parser
from beltline.versions.tensorflow_serving import CONFIG
from tests.databases import free_port
from tests.deploy import manifests
from tests.deploy.asking import status
from tests.deploy.manifests import ROOT, SERVERS, SERVING, VERSIONS, Rendered

DEFAULTS = Kubeflow()
SERVED = f"{DEFAULTS.mount_path}/{Push().directory}/$(MODEL)"
PROBES = ("startupProbe", "readinessProbe", "livenessProbe")


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Rendered]:
    """One overlay with each server."""
    return {each: rendered_with(each, tmp_path_factory.mktemp(each)) for each in SERVERS}


def rendered_with(server: str, folder: Path) -> Rendered:
    overlay = manifests.copied(folder) / "overlays/example"
    return manifests.render(manifests.with_server(overlay, server), server=server)


@pytest.fixture(params=SERVERS)
def served(request: pytest.FixtureRequest, servers: dict[str, Rendered]) -> Rendered:
    return servers[request.param]


@pytest.fixture
def tensorflow(servers: dict[str, Rendered]) -> Rendered:
    return servers["tensorflow"]


@pytest.fixture(params=["beltline", "samples"])
def beltline_server(request: pytest.FixtureRequest, servers: dict[str, Rendered]) -> Rendered:
    return servers[request.param]


def pod_of(rendered: Rendered) -> dict[str, Any]:
    spec: dict[str, Any] = rendered.pods()[SERVING]["spec"]
    return spec


def options(rendered: Rendered) -> dict[str, Any]:
    """What Beltline's server takes the container's arguments for."""
    words = [each.replace("$(MODEL)", "line") for each in rendered.container(SERVING)["args"]]
    return vars(parser().parse_args(words))


def test_the_server_runs_as_who_pushes(served: Rendered) -> None:
    context = pod_of(served)["securityContext"]
    assert (context["runAsUser"], context["runAsGroup"]) == (DEFAULTS.user, DEFAULTS.group)
    # A mount of the volume must not begin with a new owner for all that is on it.
    assert "fsGroup" not in context


def test_what_asks_it_stays_the_same(served: Rendered) -> None:
    [port] = served.one("Service", SERVING)["spec"]["ports"]
    assert port == {"name": "rest", "port": 8501, "targetPort": "rest"}
    assert served.container(SERVING)["ports"] == [{"name": "rest", "containerPort": 8501}]


def test_nothing_but_samples_can_be_written(served: Rendered) -> None:
    mounts = served.container(SERVING)["volumeMounts"]
    on_volume = [each for each in mounts if each["name"] == "beltline"]
    whole = {"name": "beltline", "mountPath": DEFAULTS.mount_path, "readOnly": True}
    directory = Monitoring().directory
    path = f"{DEFAULTS.mount_path}/{directory}"
    samples = {"name": "beltline", "mountPath": path, "subPath": directory}
    assert on_volume == ([whole, samples] if served.server == "samples" else [whole])
    claim = next(each for each in pod_of(served)["volumes"] if each["name"] == "beltline")
    assert claim["persistentVolumeClaim"] == {
        "claimName": "beltline",
        "readOnly": served.server != "samples",
    }


def test_it_gets_the_time_to_end(served: Rendered) -> None:
    container = served.container(SERVING)
    assert container["lifecycle"]["preStop"]["exec"]["command"] == ["sleep", "5"]
    given = pod_of(served).get("terminationGracePeriodSeconds", 30)
    longest = 5 if served.server == "tensorflow" else 5 + options(served)["timeout_seconds"]
    assert given > longest


@pytest.mark.parametrize(
    ("overlay", "server"), [("example", "samples"), ("standalone", "tensorflow")]
)
def test_the_model_has_its_name_from_one_place(tmp_path: Path, overlay: str, server: str) -> None:
    folder = manifests.copied(tmp_path) / "overlays" / overlay
    model = folder / "model.yaml"
    assert "name: casting" in model.read_text()
    model.write_text(model.read_text().replace("name: casting", "name: night_Shift-2"))
    rendered = manifests.render(manifests.with_server(folder, server))
    named = {"name": "MODEL", "value": "night_Shift-2"}
    assert named in rendered.container(SERVING)["env"]
    for before in pod_of(rendered).get("initContainers", []):
        assert before["name"] == "samples" or before["env"] == [named]
    assert not rendered.of("ConfigMap")
    text = yaml.safe_dump(rendered.objects)
    assert "casting" not in text
    assert not re.search(r"\bMODEL\b", re.sub(r"\$\(?MODEL\)?|name: MODEL", "", text))


class TestTensorFlowServing:
    def test_it_follows_the_live_version(self, tensorflow: Rendered) -> None:
        arguments = tensorflow.container(SERVING)["args"]
        given = dict(each.removeprefix("--").split("=", 1) for each in arguments)
        assert given["model_config_file"] == f"{SERVED}/{CONFIG}"
        # Zero would look once only.
        assert int(given["model_config_file_poll_wait_seconds"]) > 0
        assert int(given["file_system_poll_wait_seconds"]) > 0
        # With a name and a path it would serve the highest number.
        assert not {"model_name", "model_base_path"} & given.keys()
        assert (given["rest_api_port"], given["port"]) == ("8501", "0")

    def test_it_is_asked_for_the_model(self, tensorflow: Rendered) -> None:
        for probe in PROBES:
            asked = tensorflow.container(SERVING)[probe]["httpGet"]
            assert asked == {"path": "/v1/models/casting", "port": "rest"}

    def test_it_is_of_the_tensorflow_that_exports(self, tensorflow: Rendered) -> None:
        lock = (ROOT / "requirements/pipeline.txt").read_text()
        [exporting] = re.findall(r"^tensorflow==(\d+\.\d+)\.", lock, re.MULTILINE)
        image = tensorflow.container(SERVING)["image"]
        assert image.startswith(f"tensorflow/serving:{exporting}.")
        # A machine that has the one has the other.
        [waiting] = pod_of(tensorflow)["initContainers"]
        assert waiting["image"] == image

    @pytest.fixture
    def waiting(self, tensorflow: Rendered, tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
        """What runs before it, in a folder of ours."""
        [before] = pod_of(tensorflow)["initContainers"]
        [script] = before["args"]
        script = script.replace(DEFAULTS.mount_path, str(tmp_path))
        words = [*before["command"], script]
        with subprocess.Popen(words, env=os.environ | {"MODEL": "casting"}) as process:
            yield process
            process.kill()

    @pytest.mark.slow
    def test_it_waits_for_the_first_push(
        self, waiting: subprocess.Popen[bytes], tmp_path: Path
    ) -> None:
        with pytest.raises(subprocess.TimeoutExpired):
            waiting.wait(1)
        folder = tmp_path / Push().directory / "casting"
        folder.mkdir(parents=True)
        (folder / CONFIG).write_text("model_config_list {}")
        assert waiting.wait(5) == 0

    @pytest.mark.slow
    def test_it_can_be_ended_while_it_waits(self, waiting: subprocess.Popen[bytes]) -> None:
        time.sleep(0.5)
        waiting.send_signal(signal.SIGTERM)
        assert waiting.wait(5) == 1


class TestBeltlineServer:
    def test_it_serves_what_is_pushed(self, beltline_server: Rendered) -> None:
        container, given = beltline_server.container(SERVING), options(beltline_server)
        assert container["command"] == ["python", "-m", "beltline.serving"]
        assert given["name"] == "line"
        assert given["folder"] == Path(SERVED.replace("$(MODEL)", "line"))
        assert (given["host"], given["port"]) == ("0.0.0.0", 8501)  # noqa: S104 - the pod's own
        samples = Path(DEFAULTS.mount_path) / Monitoring().directory / "line"
        assert given["requests"] == (samples if beltline_server.server == "samples" else None)

    def test_it_is_the_image_of_this_beltline(self, beltline_server: Rendered) -> None:
        pod = pod_of(beltline_server)
        every = [*pod.get("initContainers", []), *pod["containers"]]
        assert {each["image"] for each in every} == {f"beltline-serving:{VERSION}"}

    def test_the_folder_of_samples_is_made_by_who_writes_there(
        self, beltline_server: Rendered
    ) -> None:
        before = pod_of(beltline_server).get("initContainers", [])
        made = [each["command"] for each in before]
        path = f"{DEFAULTS.mount_path}/{Monitoring().directory}"
        assert made == ([["mkdir", "-p", path]] if beltline_server.server == "samples" else [])
        for each in before:
            assert each["volumeMounts"] == [{"name": "beltline", "mountPath": DEFAULTS.mount_path}]

    def test_no_pod_starts_without_the_secret_of_its_token(self, beltline_server: Rendered) -> None:
        """A misnamed secret must not serve everybody."""
        [token] = [
            each for each in beltline_server.container(SERVING)["env"] if "valueFrom" in each
        ]
        assert token == {
            "name": "BELTLINE_SERVE_TOKEN",
            "valueFrom": {"secretKeyRef": {"name": SERVING, "key": "token"}},
        }

    def test_it_is_open_where_the_overlay_says_so(
        self, beltline_server: Rendered, tmp_path: Path
    ) -> None:
        overlay = manifests.copied(tmp_path) / "overlays/example"
        manifests.with_component(manifests.with_server(overlay, beltline_server.server), "open")
        before = beltline_server.container(SERVING)
        after = manifests.render(overlay).container(SERVING)
        assert [each["name"] for each in after["env"]] == ["MODEL"]
        assert {**after, "env": before["env"]} == before

    def test_with_the_component_grpc_is_at_its_port(
        self, beltline_server: Rendered, tmp_path: Path
    ) -> None:
        overlay = manifests.copied(tmp_path) / "overlays/example"
        manifests.with_component(manifests.with_server(overlay, beltline_server.server), "grpc")
        found = manifests.render(overlay, server=beltline_server.server)
        assert options(beltline_server)["grpc_port"] is None
        assert options(found)["grpc_port"] == 8500
        assert options(found) | {"grpc_port": None} == options(beltline_server)
        ports = {each["name"]: each["containerPort"] for each in found.container(SERVING)["ports"]}
        assert ports == {"rest": 8501, "grpc": 8500}
        [_, port] = found.one("Service", SERVING)["spec"]["ports"]
        assert (port["port"], port["targetPort"], port["appProtocol"]) == (8500, "grpc", "grpc")
        [rule] = found.one("NetworkPolicy", SERVING)["spec"]["ingress"]
        assert [each["port"] for each in rule["ports"]] == ["rest", "grpc"]

    def test_prometheus_finds_it(self, beltline_server: Rendered) -> None:
        [port] = beltline_server.container(SERVING)["ports"]
        assert beltline_server.pods()[SERVING]["metadata"]["annotations"] == {
            "prometheus.io/scrape": "true",
            "prometheus.io/port": str(port["containerPort"]),
            "prometheus.io/path": "/metrics",
        }

    @pytest.mark.slow
    def test_it_starts_and_answers_what_it_is_asked(
        self, beltline_server: Rendered, tmp_path: Path
    ) -> None:
        container, port = beltline_server.container(SERVING), free_port()
        given = [each.replace("$(MODEL)", "line") for each in container["args"]]
        given = [each.replace(DEFAULTS.mount_path, str(tmp_path)) for each in given]
        # The last of two counts.
        given += ["--host=127.0.0.1", f"--port={port}"]
        words = [sys.executable, *container["command"][1:], *given]
        environment = os.environ | {"BELTLINE_SERVE_TOKEN": "t0ken"}
        with subprocess.Popen(words, env=environment, cwd=ROOT) as process:
            try:
                asked = [container[probe]["httpGet"]["path"] for probe in PROBES]
                assert status(port, asked[0]) == 200
                # Alive, and not ready while nothing was pushed; neither needs the token.
                assert [status(port, path) for path in asked[1:]] == [503, 200]
                assert [status(port, "/metrics", token) for token in ("", "t0ken")] == [401, 200]
            finally:
                process.terminate()
        assert process.returncode == 0


@pytest.mark.parametrize(
    ("before", "behind", "said"),
    [
        ("beltline-serve", "model", "unable to find field"),
        ("samples", "beltline-serve", "error in test for path"),
        ("open", "beltline-serve", "error in test for path"),
    ],
)
def test_components_in_another_order_are_refused(
    tmp_path: Path, before: str, behind: str, said: str
) -> None:
    overlay = manifests.copied(tmp_path) / "overlays/example"
    assert manifests.secret(overlay, "mysql").returncode == 0
    overlay = manifests.with_component(manifests.with_server(overlay, "samples"), "open")
    file = overlay / "kustomization.yaml"
    first, second = (f"  - ../../components/{each}\n" for each in (before, behind))
    text = file.read_text().replace(first, "").replace(second, first + second)
    file.write_text(text)
    done = manifests.kustomize(overlay)
    assert done.returncode == 1
    assert said in done.stderr


def test_the_image_has_its_name_from_one_place(tmp_path: Path) -> None:
    overlay = manifests.copied(tmp_path) / "overlays/standalone"
    rendered = manifests.render(manifests.with_image(manifests.with_server(overlay, "samples")))
    pod = pod_of(rendered)
    images = {each["image"] for each in [*pod["initContainers"], *pod["containers"]]}
    assert images == {"registry.example/beltline-serving:1"}


def test_what_the_samples_component_shows_are_options() -> None:
    text = (manifests.KUBERNETES / "components/samples/kustomization.yaml").read_text()
    shown = re.findall(r"^#.* value: --([\w-]+)=", text, re.MULTILINE)
    assert len(shown) == 3
    assert all(f"--{each} " in parser().format_help() for each in shown)


def test_the_pod_for_the_versions_sees_them_as_the_nodes_do() -> None:
    [container] = manifests.lone_pods()[VERSIONS]["spec"]["containers"]
    assert container["image"] == f"beltline:{VERSION}"
    # `serving.config` names the folder as whoever wrote it saw it.
    assert container["workingDir"] == DEFAULTS.mount_path
    assert {"name": "beltline", "mountPath": DEFAULTS.mount_path} in container["volumeMounts"]
