"""What a machine must have, on figures of machines of all kinds."""

import os
import subprocess
import sys
from importlib.metadata import version

import pytest

from beltline.base import digest
from beltline.runners.checks import machine
from beltline.runners.checks.finding import Problem
from beltline.runners.checks.machine import GIB


@pytest.mark.parametrize(("found", "fits"), [((3, 11, 0), True), ((3, 10, 9), False)])
def test_the_version_of_python(found, fits):
    if fits:
        machine.python(found)
    else:
        with pytest.raises(Problem, match=r"3\.10\.9; TFX needs 3\.11"):
            machine.python(found)
    with pytest.raises(Problem):
        machine.python((3, 12, 1))


@pytest.mark.parametrize(
    ("system", "libc", "fits"),
    [
        ("Linux-x86_64", ("glibc", "2.28"), True),
        ("Linux-x86_64", ("glibc", "2.41"), True),
        ("Linux-x86_64", ("glibc", "2.27"), False),
        ("Linux-x86_64", ("", ""), False),
        ("Linux-aarch64", ("glibc", "2.36"), False),
        ("Darwin-arm64", ("", ""), False),
    ],
)
def test_the_machine(system, libc, fits):
    if fits:
        assert libc[1] in machine.machine(system, libc)
    else:
        with pytest.raises(Problem, match=r"TFX") as found:
            machine.machine(system, libc)
        assert "glibc 2.28" in found.value.fix


def test_libraries_are_compared_with_the_lock():
    here = (
        f"tfx=={version('tfx')} \\\n    --hash=sha256:00\nkeras[x]=={version('keras')} ; a < 'b'\n"
    )
    assert f"tfx {version('tfx')}" in machine.libraries(here)
    assert machine.libraries("") == machine.libraries(here)
    with pytest.raises(Problem, match=rf"^keras {version('keras')} \(locked: 9\.9\)$") as found:
        machine.libraries(here.replace(version("keras"), "9.9"))
    assert "make setup" in found.value.fix


def test_a_library_that_is_missing_is_found(monkeypatch):
    monkeypatch.setattr(machine, "_LIBRARIES", ("tfx", "beltline-never-was"))
    with pytest.raises(Problem, match=r"^beltline-never-was missing$"):
        machine.libraries("")


def test_tensorflow_without_cuda_is_tensorflow(monkeypatch, tmp_path):
    (tmp_path / "line_cpu-2.21.0.dist-info").mkdir()
    (tmp_path / "line_cpu-2.21.0.dist-info/METADATA").write_text(
        "Name: line-cpu\nVersion: 2.21.0\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(machine, "_LIBRARIES", ("line",))
    assert machine.libraries("line==2.21.0 \\\n") == "line 2.21.0"
    with pytest.raises(Problem, match=r"^line 2\.21\.0 \(locked: 2\.22\.0\)$"):
        machine.libraries("line==2.22.0 \\\n")


def test_the_lock():
    text = "tfx==1.21.0 \\\n    --hash=sha256:00\n"
    good = digest.of_lock(text)[:16]
    assert machine.lock(good, text) == good
    assert machine.lock(good, "") == good
    assert machine.lock("unlocked", text).startswith("unlocked: ")
    with pytest.raises(Problem, match=f"from lock 0123; .* is {good}") as found:
        machine.lock("0123", text)
    assert "make setup" in found.value.fix


def test_too_little_memory_is_found():
    assert machine.memory(lambda: 2 * GIB) == "2.0 GiB free"
    assert machine.memory(lambda: None) == "unknown"
    with pytest.raises(Problem, match=r"1\.5 GiB free, 2 GiB needed"):
        machine.memory(lambda: int(1.5 * GIB))


def write(folder, **files):
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name.replace("__", ".")).write_text(text)


def test_the_memory_of_the_machine_or_of_its_container(tmp_path):
    proc, new, old = tmp_path / "proc", tmp_path / "v2", tmp_path / "v1"
    assert machine.available_memory(proc, new) is None
    write(proc, meminfo="MemTotal: 9000 kB\nMemAvailable:    8000 kB\n")
    assert machine.available_memory(proc, new) == 8000 * 1024
    write(new, memory__max="3000000\n", memory__current="1000000\n")
    assert machine.available_memory(proc, new) == 2_000_000
    write(new, memory__stat="anon 5\ninactive_file 400000\n")
    assert machine.available_memory(proc, new) == 2_400_000
    write(new, memory__max="max\n")
    assert machine.available_memory(proc, new) == 8000 * 1024
    write(old / "memory", memory__limit_in_bytes="500", memory__usage_in_bytes="100")
    assert machine.available_memory(proc, old) == 400


def test_gpus_are_told_and_none_is_no_fault(tmp_path):
    dev, proc = tmp_path / "dev", tmp_path / "proc"
    assert machine.gpu(dev, proc).startswith("none found")
    write(dev, nvidia0="", nvidia1="", nvidiactl="")
    assert machine.gpu(dev, proc) == "2 found"
    for bus in ("0000:01", "0000:02"):
        write(proc / "driver/nvidia/gpus" / bus, information="Model: \t\t NVIDIA H100\nIRQ: 1\n")
    assert machine.gpu(dev, proc) == "NVIDIA H100, NVIDIA H100"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount another /dev/shm")
def test_shared_locks_need_a_writable_dev_shm():
    """In a process that has a read-only one, as some containers do."""
    script = (
        "import ctypes, subprocess\n"
        "from beltline.runners.checks.machine import Problem, semaphores\n"
        "print(semaphores())\n"
        "assert ctypes.CDLL(None).unshare(0x00020000) == 0\n"
        "subprocess.run(['mount', '--make-rprivate', '/'], check=True)\n"
        "subprocess.run(['mount', '-t', 'tmpfs', '-o', 'ro', 'tmpfs', '/dev/shm'], check=True)\n"
        "try:\n    semaphores()\nexcept Problem as problem:\n    print(problem.fix)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[0] == "processes can share a lock"
    assert "1777" in done.stdout.splitlines()[1]
