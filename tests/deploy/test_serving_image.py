"""The server's own image: it has no TFX, and serves, samples and reloads as the pipeline's does."""

import json
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from tests import built_image
from tests.databases import free_port
from tests.docker_engine import Engine

# Building the image takes minutes.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

CONFINED = ("--read-only", "--tmpfs=/tmp", "--cap-drop=ALL", "--security-opt=no-new-privileges")
STRANGER = 4711
LINE = "http://127.0.0.1:{}/v1/models/line"


@pytest.fixture(scope="module")
def serving_image(docker: Engine, base_image: str) -> Iterator[str]:
    with built_image.image(docker, base_image, "serving") as name:
        yield name


@pytest.fixture
def volume() -> Iterator[Path]:
    """A folder with a version, and one for samples, which a stranger can read and write."""
    from tests.serving.servables.versions_made import push_line

    # What pytest makes is its own user's alone.
    with tempfile.TemporaryDirectory(prefix="beltline-volume-") as folder:
        volume = Path(folder)
        volume.chmod(0o755)
        push_line(volume / "served/line", volume, 30)
        (volume / "requests").mkdir()
        (volume / "requests").chmod(0o777)
        yield volume


@pytest.fixture
def port(docker: Engine, serving_image: str, volume: Path) -> Iterator[int]:
    """The port of a server in a container, as a stranger on a root that can't be written."""
    port = free_port()
    words = ["run", "--detach", *CONFINED, "--network=host", f"--user={STRANGER}:{STRANGER}"]
    words += [f"--volume={volume}:/beltline", serving_image, "python", "-m", "beltline.serving"]
    words += ["--name=line", "--folder=/beltline/served/line", f"--port={port}"]
    words += ["--requests=/beltline/requests", "--sample-rate=1"]
    container = docker(*words)
    try:
        yield port
        assert docker("inspect", "--format", "{{.State.Running}}", container) == "true"
    finally:
        print(docker.ask("logs", container).stderr)
        docker("rm", "--force", container)


def until(seconds: float, port: int, path: str) -> float:
    """Waits until the server answers 200 there; returns the seconds."""
    begun = time.monotonic()
    while True:
        try:
            if requests.get(f"http://127.0.0.1:{port}/{path}", timeout=5).ok:
                return time.monotonic() - begun
        except requests.ConnectionError:
            pass
        assert time.monotonic() - begun < seconds, f"{path} did not answer in {seconds} s"
        time.sleep(0.1)


def predict(port: int) -> Any:
    body = json.dumps({"instances": [{"heat": 2.0, "mold": "A"}]})
    return requests.post(f"{LINE.format(port)}:predict", body, timeout=10).json()


def test_it_answers_soon(port: int) -> None:
    print(f"ready after {until(10, port, 'readyz'):.1f} s")
    assert predict(port)["predictions"] == [{"probability": 60.0, "class": "known"}]
    metadata = requests.get(f"{LINE.format(port)}/metadata", timeout=10).json()
    assert set(metadata["metadata"]["signature_def"]["signature_def"]) >= {"serving_default"}
    assert requests.get(f"http://127.0.0.1:{port}/docs", timeout=10).ok


def test_it_samples_what_it_was_asked(port: int, volume: Path) -> None:
    until(60, port, "readyz")
    deadline = time.monotonic() + 60
    while not list(volume.glob("requests/*/data_tfrecord-*")):
        assert time.monotonic() < deadline, "no request was sampled"
        # Whatever is asked before the sampler is loaded leaves nothing.
        predict(port)
        time.sleep(0.5)


def test_it_holds_the_server_and_no_pipeline(docker: Engine, serving_image: str) -> None:
    asked = "from importlib.util import find_spec as f; print([n for n in {} if f(n)])"
    names = ["tfx", "apache_beam", "keras", "pandas", "ml_metadata", "kfp", "sklearn"]
    words = ("run", "--rm", "--network=none", serving_image, "python", "-c", asked.format(names))
    assert docker(*words) == "[]"


@pytest.mark.parametrize(
    "command", [["beltline", "--version"], ["python", "-m", "beltline.versions", "--help"]]
)
def test_what_else_is_called_in_it(docker: Engine, serving_image: str, command: list[str]) -> None:
    assert docker("run", "--rm", "--network=none", serving_image, *command)


def test_its_size(docker: Engine, base_image: str, serving_image: str, image: str) -> None:
    """docs/image.md has these sizes, with that of the base."""
    sizes = {
        name: int(docker("image", "inspect", "--format", "{{.Size}}", name)) / 1e9
        for name in (base_image, serving_image, image)
    }
    print(sizes)
    assert sizes[serving_image] <= 1.2
    assert sizes[image] <= 2.0
