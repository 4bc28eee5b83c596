import os
import subprocess
import sys
import zipfile

import pytest

from beltline.base import digest
from beltline.bundle.code import archive, packages

SOURCES = {"mine/__init__.py": b"", "mine/network.py": b"UNITS = 7\n"}


def test_the_same_sources_give_the_same_bytes(tmp_path):
    archives = []
    for number, names in enumerate([list(SOURCES), list(SOURCES)[::-1]]):
        for name in names:
            file = tmp_path / str(number) / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(SOURCES[name])
            os.utime(file, (number * 1e9, number * 1e9))
            file.chmod(0o600 + number * 0o44)
        archives.append(archive(digest.source_files(tmp_path / str(number) / "mine")))
    assert archives[0] == archives[1]
    assert archive(dict(reversed(SOURCES.items()))) == archive(SOURCES)


def test_no_time_stands_in_it(tmp_path):
    (tmp_path / "code.zip").write_bytes(archive(SOURCES))
    with zipfile.ZipFile(tmp_path / "code.zip") as zipped:
        assert {entry.date_time for entry in zipped.infolist()} == {(1980, 1, 1, 0, 0, 0)}


def test_other_sources_give_other_bytes():
    changed = {**SOURCES, "mine/network.py": b"UNITS = 8\n"}
    renamed = {"mine/__init__.py": b"", "mine/net.py": b"UNITS = 7\n"}
    assert len({archive(SOURCES), archive(changed), archive(renamed)}) == 3


def test_python_imports_it(tmp_path):
    (tmp_path / "code.zip").write_bytes(archive(SOURCES))
    script = "import sys; sys.path.insert(0, sys.argv[1]); import mine.network as n; print(n.UNITS)"
    command = [sys.executable, "-c", script, str(tmp_path / "code.zip")]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout == "7\n"


def test_everybody_may_read_what_is_unpacked_from_it(tmp_path):
    (tmp_path / "code.zip").write_bytes(archive(SOURCES))
    with zipfile.ZipFile(tmp_path / "code.zip") as zipped:
        assert [entry.external_attr >> 16 for entry in zipped.infolist()] == [0o644, 0o644]


START = """\
import pathlib, sys
from beltline.bundle.code import use
code = pathlib.Path(sys.argv[1])
"""
OURS = {
    "beltline/__init__.py": b"from pkgutil import extend_path\n"
    b"__path__ = extend_path(__path__, __name__)\n",
    "beltline/models/__init__.py": b"",
}


def asked(code, script):
    """What a process prints that knows the archive, and what lies beside it."""
    command = [sys.executable, "-c", START + script, str(code)]
    done = subprocess.run(command, cwd=code.parent, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


@pytest.fixture
def code(tmp_path):
    def write(sources):
        (tmp_path / "code.zip").write_bytes(archive(sources))
        return tmp_path / "code.zip"

    return write


def test_what_was_imported_from_elsewhere_is_forgotten(code):
    """An edit made after the bundle was written, and a module of that name in the process."""
    packed = code({"mine.py": b"UNITS = 'bundle'\n"})
    (packed.parent / "mine.py").write_text("UNITS = 'edited'\n")
    script = "import mine; print(mine.UNITS); use(code); import mine; print(mine.UNITS)"
    assert asked(packed, script) == ["edited", "bundle"]


def test_our_model_code_comes_from_the_archive_and_the_rest_of_us_does_not(code):
    packed = code({**OURS, "beltline/models/network.py": b"UNITS = 7\n"})
    script = (
        "from beltline.models import hyperparameters\n"
        "use(code)\n"
        "from beltline.models import network\n"
        "from beltline.base import digest\n"
        "print('code.zip' in network.__file__, network.UNITS, 'code.zip' in digest.__file__)"
    )
    assert asked(packed, script) == ["True", "7", "False"]


def test_a_spawned_process_finds_it_too(code):
    """The Tuner's trials: they are given this process's `sys.path`, and nothing else."""
    trial = b"from beltline.bundle import environment\n\n\ndef say(): print('bundle', flush=True)\n"
    packed = code({**OURS, "beltline/models/trial.py": trial})
    script = (
        "import multiprocessing\n"
        "use(code)\n"
        "from beltline.models.trial import say\n"
        "process = multiprocessing.get_context('spawn').Process(target=say)\n"
        "process.start()\n"
        "process.join()\n"
        "print(process.exitcode)"
    )
    assert asked(packed, script) == ["bundle", "0"]


@pytest.mark.parametrize("name", ["models", "data", "pipeline", "runners", "serving", "tests"])
def test_any_name_of_a_package_will_do(code, name):
    packed = code({f"{name}/__init__.py": b"", f"{name}/network.py": b"UNITS = 7\n"})
    script = f"use(code); from {name} import network; print(network.UNITS, network.__file__)"
    assert asked(packed, script) == ["7", f"{packed}/{name}/network.py"]


def test_what_travels_is_named():
    files = ["beltline/__init__.py", "beltline/models/a/b.py", "mine/a.py", "net.py"]
    assert packages(files) == {"beltline.models", "mine", "net"}
