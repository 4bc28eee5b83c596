import os
import subprocess
import sys
import zipfile

from bundle import digest
from bundle.code import archive

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
