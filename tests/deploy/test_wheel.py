"""The wheel: one importable name, and a model from a table in an empty folder."""

import shutil
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pyarrow.csv
import pytest

from beltline.bundle.environment import VERSION
from beltline.data.casting import generate

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
BUILD = "from setuptools import build_meta; print(build_meta.build_wheel('built'))"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of what git knows of this checkout."""
    checkout = tmp_path_factory.mktemp("checkout")
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    for name in listed.stdout.splitlines():
        if (ROOT / name).exists():
            (checkout / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, checkout / name, follow_symlinks=False)
    built = subprocess.run(
        [sys.executable, "-c", BUILD], cwd=checkout, capture_output=True, text=True, check=True
    )
    return checkout / "built" / built.stdout.splitlines()[-1]


def pip(environment: Path, *words: str | Path) -> None:
    subprocess.run([environment / "bin/pip", "install", "--quiet", *words], check=True)


def borrow(environment: Path) -> None:
    """Let it find this environment's libraries: seconds in place of minutes."""
    # A path alone: the editable installation of this checkout is not found by it.
    packages = environment / f"lib/python3.{sys.version_info.minor}/site-packages"
    (packages / "libraries.pth").write_text(f"{sysconfig.get_path('purelib')}\n")


def install_locked(environment: Path) -> None:
    """Install the locked requirements, and nothing else."""
    # Without their own bounds: requirements/overrides.txt says which are loosened.
    pip(environment, "--no-deps", "--require-hashes", "-r", ROOT / "requirements/pipeline.txt")


@pytest.fixture(
    scope="module",
    params=[borrow, pytest.param(install_locked, marks=pytest.mark.long)],
    ids=lambda each: each.__name__,
)
def installed(
    wheel: Path, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Path:
    """An environment in which pip has installed the wheel."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=True)
    pip(folder, "--no-deps", "--no-index", wheel)
    request.param(folder)
    return folder


def test_it_adds_one_name(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as packed:
        names = packed.namelist()
    assert {name.split("/")[0] for name in names} == {"beltline", f"beltline-{VERSION}.dist-info"}
    assert "beltline/runners/report/templates/page.html" in names
    pages = {"templates/run.html", "static/follow.js", "static/style.css"}
    assert {f"beltline/runners/ui/{page}" for page in pages} <= set(names)
    sources = {f"beltline/{path.relative_to(ROOT)}" for path in (ROOT / "models").glob("*.py")}
    assert sources <= set(names)


def test_a_model_from_a_table_in_an_empty_folder(installed: Path, tmp_path: Path) -> None:
    pyarrow.csv.write_csv(generate(1500, 3), tmp_path / "parts.csv")
    quick = ("--set", "training.epochs=2", "--set", "evaluation.thresholds.auc.lower=0.3")
    text = ""
    for words in (("init", "parts.csv", "--label", "scrap"), ("run", *quick)):
        done = subprocess.run(
            [installed / "bin/beltline", *words],
            cwd=tmp_path,
            env={"PATH": str(installed / "bin")},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        text += done.stdout
        assert done.returncode == 0, text
    assert (tmp_path / ".beltline/served/parts/1/saved_model.pb").exists()
    where = [installed / "bin/python", "-c", "import beltline; print(beltline.__file__)"]
    found = subprocess.run(where, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert Path(found.stdout).is_relative_to(installed)
