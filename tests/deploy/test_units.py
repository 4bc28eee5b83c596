"""The units are what systemd takes for such; the server's starts a server."""

import configparser
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.databases import free_port
from tests.deploy.asking import status
from tests.runners.projects import project

ROOT = Path(__file__).parents[2]
UNITS = sorted((ROOT / "deploy").rglob("*.service"))
TARGETS = sorted((ROOT / "deploy").rglob("*.target"))
SERVER = ROOT / "deploy/serving/beltline-serve@.service"
INSTALLED = "/opt/beltline"


def service(unit: Path) -> configparser.SectionProxy:
    # A key may be there several times, as in `After`.
    parser = configparser.ConfigParser(interpolation=None, strict=False)
    parser.optionxform = str  # type: ignore[method-assign,assignment] # as its documentation does
    parser.read(unit)
    return parser["Service"]


def test_systemd_finds_nothing_wrong(tmp_path: Path) -> None:
    analyze = shutil.which("systemd-analyze")
    if not analyze:
        pytest.skip("there is no systemd-analyze")
    for unit in [*UNITS, *TARGETS]:
        # Where it is installed there is something to start.
        text = unit.read_text().replace(f"{INSTALLED}/.venv/bin/beltline", "/bin/true")
        (tmp_path / unit.name).write_text(text)
    named = [tmp_path / unit.name.replace("@.", "@line.") for unit in UNITS]
    done = subprocess.run([analyze, "verify", "--man=no", *named], capture_output=True, text=True)
    # Airflow's API server comes after itself, which systemd lets be.
    dropped = "beltline-airflow@api-server.service is dropped."
    said = [line for line in done.stderr.splitlines() if not line.endswith(dropped)]
    assert (done.returncode, [line for line in said if "beltline" in line]) == (0, [])


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_no_service_may_more_than_it_must(unit: Path) -> None:
    given = service(unit)
    assert (given["User"], given["Group"], given["UMask"]) == ("beltline", "beltline", "0077")
    assert (given["NoNewPrivileges"], given["PrivateTmp"]) == ("true", "true")
    assert given["ProtectSystem"] == "full"
    assert given["Restart"] == "always"


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_what_a_unit_names_is_in_the_repository(unit: Path) -> None:
    named = re.findall(rf"{INSTALLED}/((?:deploy|docs)/[\w./-]+)", unit.read_text())
    assert named
    assert [each for each in named if not (ROOT / each).exists()] == []


@pytest.mark.slow
def test_the_server_starts(tmp_path: Path) -> None:
    """What systemd would call, in folders of ours."""
    project(tmp_path)
    given, port = service(SERVER), free_port()
    words = given["ExecStart"].replace("/srv/%i", str(tmp_path))
    program, *arguments = shlex.split(words)
    assert program == f"{INSTALLED}/.venv/bin/beltline"
    root = given["Environment"].replace("/var/lib/beltline/%i", str(tmp_path / "root"))
    environment = os.environ | dict([root.split("=", 1)])
    called = [sys.executable, "-m", "beltline.runners.cli", *arguments, f"--port={port}"]
    with subprocess.Popen(called, env=environment, cwd=ROOT) as process:
        try:
            assert [status(port, path) for path in ("/healthz", "/readyz")] == [200, 503]
        finally:
            process.terminate()
    assert process.returncode == 0
