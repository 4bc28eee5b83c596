"""The image holds what its labels say and no more, and works for any user on a read-only root."""

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from beltline.bundle import environment
from tests.beltline_process import Beltline
from tests.built_image import PLANTED, ROOT, client, make_image
from tests.databases import free_port
from tests.docker_engine import Engine
from tests.end_to_end.projects import casting

# Building the image takes minutes.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

HERE = Path(__file__).parent
# As a cluster with strict rules runs it.
CONFINED = (
    *("--rm", "--read-only", "--tmpfs=/tmp", "--network=none"),
    *("--cap-drop=ALL", "--security-opt=no-new-privileges"),
)
# A user whom no image knows.
STRANGER = 4711
TEMPORARY = ("/tmp", "/var/tmp")  # noqa: S108 - folders of the container
DIGESTS = """\
import json
from beltline.bundle import environment as e
print(json.dumps([e.VERSION, e.lock_digest(), e.source_digest(), e.models_digest()]))
"""
# All that Python would compile again on each start: what has no bytecode, or one of another file.
UNCOMPILED = """\
import importlib.util, pathlib, struct, sysconfig
for source in pathlib.Path(sysconfig.get_path("{}")).rglob("*.py"):
    compiled = pathlib.Path(importlib.util.cache_from_source(str(source)))
    head = compiled.read_bytes()[4:16] if compiled.exists() else bytes(12)
    found = source.stat()
    if struct.unpack("<III", head) != (0, int(found.st_mtime), found.st_size):
        print(source)
"""


def confined(docker: Engine, image: str, *command: str, user: int = 1000) -> str:
    """What a command prints in a container with no rights, no network and nothing to write to."""
    return docker("run", *CONFINED, f"--user={user}:{user}", image, *command)


def config(docker: Engine, image: str) -> Any:
    return json.loads(docker("image", "inspect", image))[0]


class TestUsers:
    def test_it_is_no_root(self, docker: Engine, image: str) -> None:
        assert docker("run", "--rm", "--network=none", image, "id", "-u") == "1000"
        assert docker("run", "--rm", "--network=none", image, "id", "-g") == "1000"

    @pytest.mark.parametrize("user", [1000, STRANGER])
    def test_the_command_line(self, docker: Engine, image: str, user: int) -> None:
        said = confined(docker, image, "beltline", "--version", user=user)
        assert said == f"beltline, version {environment.VERSION}"

    @pytest.mark.parametrize("user", [1000, STRANGER])
    def test_the_launcher(self, docker: Engine, image: str, user: int) -> None:
        script = "import tfx.orchestration.portable.launcher as l; print(l.__name__)"
        said = confined(docker, image, "python", "-c", script, user=user)
        assert said == "tfx.orchestration.portable.launcher"

    @pytest.mark.parametrize("program", ["beltline.serving", "beltline.versions"])
    def test_what_a_pod_calls(self, docker: Engine, image: str, program: str) -> None:
        said = confined(docker, image, "python", "-m", program, "--help", user=STRANGER)
        assert said.lower().startswith(f"usage: python -m {program}")

    @pytest.mark.parametrize("user", [1000, STRANGER])
    def test_nothing_can_be_written_but_what_is_for_all(
        self, docker: Engine, image: str, user: int
    ) -> None:
        # Not on a read-only root, where nothing could be.
        asked = ("find", "/", "-xdev", "(", "-type", "f", "-o", "-type", "d", ")", "-writable")
        done = docker.ask("run", "--rm", "--network=none", f"--user={user}:{user}", image, *asked)
        assert set(done.stdout.split()) == {*TEMPORARY, "/run/lock"}


class TestLabels:
    def test_they_say_what_is_in_it(self, docker: Engine, image: str) -> None:
        labels = config(docker, image)["Config"]["Labels"]
        said = [labels["org.opencontainers.image.version"]]
        said += [labels[f"io.beltline.{name}"] for name in ("lock", "source", "models")]
        assert said == json.loads(confined(docker, image, "python", "-c", DIGESTS))
        assert labels["org.opencontainers.image.title"] == "Beltline"
        assert labels["org.opencontainers.image.licenses"] == "Apache-2.0"

    def test_it_is_what_is_here(self, docker: Engine, image: str) -> None:
        inside = json.loads(confined(docker, image, "python", "-c", DIGESTS))
        assert environment.lock_digest() != "unlocked"
        assert inside[:2] == [environment.VERSION, environment.lock_digest()]
        assert inside[2:] == [environment.source_digest(), environment.models_digest()]

    def test_labels_that_would_say_something_else_end_the_build(
        self, docker: Engine, image: str, base_image: str
    ) -> None:
        build = ["build", "--network=host", "--file", ROOT / "deploy/Dockerfile", ROOT]
        build += ["--build-arg", f"BASE_IMAGE={base_image}"]
        with_buildkit = os.environ | {"DOCKER_BUILDKIT": "1"}
        words = [client(), "--host", docker.host, *build]
        done = subprocess.run(words, env=with_buildkit, capture_output=True, text=True)
        assert done.returncode != 0
        assert "build it with `make image`" in done.stderr


class TestContents:
    @pytest.mark.parametrize("where", ["purelib", "stdlib"])
    def test_all_bytecode_is_there(self, docker: Engine, image: str, where: str) -> None:
        said = confined(docker, image, "python", "-c", UNCOMPILED.format(where))
        assert said == ""

    def test_no_tool_of_the_build_is_left(self, docker: Engine, image: str) -> None:
        tools = ("gcc", "g++", "cc", "clang", "make", "git", "uv", "pip")
        found = f"import shutil; print([t for t in {tools} if shutil.which(t)])"
        assert confined(docker, image, "python", "-c", found) == "[]"
        kept = (
            "find",
            "/opt",
            "/root",
            *TEMPORARY,
            "-name",
            "*.whl",
            "-o",
            "-name",
            "uv",
            "-o",
            "-name",
            "uvx",
        )
        left = docker("run", "--rm", "--user=0:0", "--network=none", image, *kept)
        assert [path for path in left.split() if "site-packages" not in path] == []

    def test_there_are_no_sources_but_the_installed_ones(self, docker: Engine, image: str) -> None:
        script = "import beltline, sys; print(beltline.__file__, sys.prefix)"
        said = confined(docker, image, "python", "-c", script).split()
        installed = f"{said[1]}/lib/python3.11/site-packages/beltline"
        assert said[0] == f"{installed}/__init__.py"
        asked = ("find", "/", "-xdev", "-name", "model_code.py")
        found = docker("run", "--rm", "--user=0:0", "--network=none", image, *asked).split()
        assert found == [f"{installed}/pipeline/model_code.py"]

    def test_no_layer_holds_what_the_build_was_lent(self, docker: Engine, image: str) -> None:
        words = ["docker", "--host", docker.host, "save", image]
        # A line of the sources is what shows that the search finds what is there.
        wanted = ["grep", "--text", "--only-matching", "-e", PLANTED, "-e", "def source_digest"]
        with subprocess.Popen(words, stdout=subprocess.PIPE) as saved:
            found = subprocess.run(wanted, stdin=saved.stdout, capture_output=True, text=True)
        assert saved.returncode == 0
        assert set(found.stdout.splitlines()) == {"def source_digest"}

    def test_no_setting_of_the_build_is_left(self, docker: Engine, image: str) -> None:
        names = {line.split("=")[0] for line in config(docker, image)["Config"]["Env"]}
        assert names == {"PATH", "HOME", "USER", "PYTHONUNBUFFERED"}
        history = docker("history", "--no-trunc", "--format", "{{.CreatedBy}}", image)
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "UV_DEFAULT_INDEX", "PIP_INDEX_URL"):
            assert not os.environ.get(name) or os.environ[name] not in history
        asked = ("find", "/etc", "/root", "/opt", "-name", "pip.conf", "-o", "-name", "uv.toml")
        assert docker("run", "--rm", "--user=0:0", "--network=none", image, *asked) == ""


@pytest.fixture(scope="module")
def line(beltline: Beltline, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A compiled pipeline, and a root that is the stranger's."""
    # A folder that pytest makes is its own user's alone.
    folder = tmp_path_factory.mktemp("image") / "line"
    project = casting(beltline, folder, rows=500)
    compiled = project("compile", "airflow", "-o", folder / "compiled")
    assert compiled.code == 0, compiled.text
    (folder / "root").mkdir()
    if os.getuid() == 0:
        os.chown(folder / "root", STRANGER, STRANGER)
    return folder


class TestNode:
    def run(self, docker: Engine, image: str, line: Path, *command: str) -> Any:
        user = STRANGER if os.getuid() == 0 else os.getuid()
        [bundle] = (line / "compiled/bundles").iterdir()
        given = (f"--volume={line}:{line}:ro", f"--volume={line}/root:{line}/root")
        given += (f"--env=BELTLINE_DATA={line}", f"--env=BELTLINE_ROOT={line}/root")
        words = ("python", "-m", *command, "--bundle", str(bundle))
        done = docker("run", *CONFINED, *given, f"--user={user}:{user}", image, *words)
        return json.loads(done.splitlines()[-1])

    def test_a_node_finds_all_it_needs(self, docker: Engine, image: str, line: Path) -> None:
        seen = self.run(docker, image, line, "beltline.runners.checks.probe")
        assert [each for each in seen["findings"] if not each["ok"]] == []
        assert {"bundle", "root", "metadata"} <= {each["check"] for each in seen["findings"]}

    def test_a_node_runs(self, docker: Engine, image: str, line: Path) -> None:
        node = ("beltline.runners.node", "--node", "ExampleGen", "--run", "run-1")
        outcome = self.run(docker, image, line, *node)
        assert (outcome["node"], outcome["state"]) == ("ExampleGen", "done")
        written = list((line / "root").rglob("*.gz"))
        assert written
        wanted = STRANGER if os.getuid() == 0 else os.getuid()
        assert {file.stat().st_uid for file in written} == {wanted}


@pytest.fixture
def written(tmp_path: Path) -> Path:
    """A folder that the image's own user can write to."""
    folder = tmp_path / "written"
    folder.mkdir()
    folder.chmod(0o777)
    return folder


def test_beam_workers(docker: Engine, image: str, written: Path) -> None:
    """A container is the pool of workers, the pipeline itself runs here."""
    port = free_port()
    # Workers call back to the pipeline, which is on this machine.
    how = [option for option in CONFINED if option not in ("--rm", "--network=none")]
    how += ["--network=host", f"--volume={written}:{written}"]
    pool = ("python", "-m", "apache_beam.runners.worker.worker_pool_main", f"--service_port={port}")
    container = docker("run", "--detach", *how, image, *pool)
    try:
        wait_for(port)
        words = [sys.executable, HERE / "beam_pipeline.py", f"localhost:{port}", written]
        done = subprocess.run(words, capture_output=True, text=True, timeout=300)
        log = docker.ask("logs", container)
    finally:
        docker("rm", "--force", container)
    assert done.returncode == 0, done.stderr + log.stdout + log.stderr
    lines = [line for file in written.iterdir() for line in file.read_text().splitlines()]
    assert sorted(lines) == sorted(f"/opt/beltline 1000 {row}" for row in range(100))


def test_beam_starts_it_as_an_sdk_container(docker: Engine, image: str) -> None:
    """With options and no command: the entry point is Beam's boot program then."""
    words = [sys.executable, HERE / "beam_container.py", image]
    there = os.environ | {"DOCKER_HOST": docker.host}
    done = subprocess.run(words, env=there, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr


def wait_for(port: int) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.2)
    raise AssertionError(f"nobody listens on port {port}")


@pytest.fixture(scope="module")
def changed(
    docker: Engine, image: str, base_image: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """The image of another checkout, in which one line of the code differs."""
    checkout = tmp_path_factory.mktemp("changed")
    for name in ("deploy", "requirements", "src", "models", *environment.PACKAGES):
        shutil.copytree(ROOT / name, checkout / name, symlinks=True)
    for name in (".dockerignore", "LICENSE", "README.md", "Makefile", "pyproject.toml", "setup.py"):
        shutil.copy(ROOT / name, checkout)
    with (checkout / "runners/node/run.py").open("a") as source:
        source.write("# changed\n")
    name = f"{image}-changed"
    built = make_image(docker, checkout, IMAGE=name, BASE_IMAGE=base_image)
    assert built.returncode == 0, built.stdout + built.stderr
    yield name
    docker("image", "rm", "--force", name)


class TestChange:
    def test_it_costs_one_small_layer(self, docker: Engine, image: str, changed: str) -> None:
        before, after = (config(docker, name)["RootFS"]["Layers"] for name in (image, changed))
        assert before[:-1] == after[:-1]
        assert before[-1] != after[-1]

    def test_its_label_says_so(self, docker: Engine, image: str, changed: str) -> None:
        before, after = (config(docker, name)["Config"]["Labels"] for name in (image, changed))
        assert before["io.beltline.source"] != after["io.beltline.source"]
        for same in ("lock", "models"):
            assert before[f"io.beltline.{same}"] == after[f"io.beltline.{same}"]


def test_another_variant_is_refused(docker: Engine) -> None:
    done = make_image(docker, ROOT, VARIANT="tpu")
    assert done.returncode != 0
    assert "VARIANT is 'tpu': it is pipeline, gpu or serving" in done.stderr
