"""The image, really built by `make image` on a Docker engine."""

import os
import secrets
import shutil
import ssl
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.docker_engine import Engine, locked

ROOT = Path(__file__).parents[1]
# Stands in the file of certificates that a build is lent.
PLANTED = "beltline-tests-planted-secret"


@contextmanager
def image(docker: Engine, base: str, variant: str = "pipeline") -> Iterator[str]:
    """Builds an image on a base image, and yields its name."""
    name = f"beltline-test-{variant}:{secrets.token_hex(4)}"
    # A second process gets all layers from the engine's cache.
    with locked("image"):
        built = make_image(docker, ROOT, IMAGE=name, BASE_IMAGE=base, VARIANT=variant)
    assert built.returncode == 0, built.stdout + built.stderr
    try:
        yield name
    finally:
        docker("image", "rm", "--force", name)


def make_image(docker: Engine, checkout: Path, **chosen: str) -> subprocess.CompletedProcess[str]:
    """Calls `make image` in a checkout, with certificates that have a mark."""
    trusted = ssl.get_default_verify_paths().cafile
    with tempfile.TemporaryDirectory(prefix="beltline-certificates-") as folder:
        certificates = Path(folder) / "ca.crt"
        certificates.write_text(f"{PLANTED}\n{Path(trusted).read_text() if trusted else ''}")
        return subprocess.run(
            ["make", "image", *(f"{name}={value}" for name, value in chosen.items())],
            cwd=checkout,
            env=os.environ
            | {
                "DOCKER_HOST": docker.host,
                "DOCKER": client(),
                "SSL_CERT_FILE": str(certificates),
                # The tests' own engine has no network but the machine's.
                "BUILD_OPTIONS": "--network host",
            },
            capture_output=True,
            text=True,
        )


def client() -> str:
    """Returns the first Docker client on the PATH that can build with BuildKit."""
    for folder in os.environ["PATH"].split(os.pathsep):
        program = shutil.which("docker", path=folder)
        if program and _can_build(program):
            return program
    pytest.skip("no Docker client here can build with BuildKit (Debian: docker.io)")


def _can_build(program: str) -> bool:
    environment = os.environ | {"DOCKER_BUILDKIT": "1"}
    asked = [program, "build", "--help"]
    return (
        "--secret" in subprocess.run(asked, env=environment, capture_output=True, text=True).stdout
    )
