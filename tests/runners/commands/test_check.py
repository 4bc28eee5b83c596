import json
import shutil
from importlib.metadata import version

import pytest
from click.testing import CliRunner

from bundle import digest
from bundle.errors import WrongInput
from runners.commands import check as checks
from runners.commands.check import GIB, Context, Problem, check
from runners.commands.init import init
from runners.commands.settings_options import open_project
from runners.record import only_run
from tests.runners.projects import Ledger

OF_PROJECT = ["pipeline", "root", "disk", "metadata", "idle"]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("made")
    lines = (f"{i * 7 % 31 / 3},M{i % 3},{'no' if i % 5 else 'yes'}" for i in range(60))
    (folder / "line.csv").write_text("\n".join(["temp,mold,bad", *lines]) + "\n")
    arguments = [str(folder / "line.csv"), "--label", "bad", "-o", str(folder)]
    assert CliRunner().invoke(init, arguments).exit_code == 0
    return folder


@pytest.fixture
def folder(made, tmp_path):
    """A project that `beltline init` made, never run."""
    shutil.copytree(made, tmp_path, dirs_exist_ok=True)
    settings = tmp_path / "pipeline.yaml"
    settings.write_text(settings.read_text().replace(str(made), "."))
    return tmp_path


def invoke(folder, *arguments):
    return CliRunner().invoke(check, ["local", "-f", str(folder / "pipeline.yaml"), *arguments])


def findings(folder, *arguments):
    return {each["check"]: each for each in json.loads(invoke(folder, *arguments, "--json").stdout)}


def context(folder):
    return Context(*open_project(folder / "pipeline.yaml"))


def failed(folder, *arguments):
    return [name for name, each in findings(folder, *arguments).items() if each["ok"] is False]


def test_where_all_is_well(folder):
    before = sorted(folder.rglob("*"))
    result = invoke(folder)
    assert result.exit_code == 0, result.output
    names = ["python", "machine", "libraries", "lock", "memory", "gpu", "settings", *OF_PROJECT]
    assert [line.split()[:2] for line in result.output.splitlines()] == [["ok", n] for n in names]
    # To look has made nothing.
    assert sorted(folder.rglob("*")) == before


def test_after_a_run_the_metadata_is_opened(folder):
    ledger = Ledger(context(folder).places.metadata)
    ledger.run("r1")
    assert findings(folder)["metadata"]["text"] == "1 runs of line"


def test_what_fails_is_counted_after_all_was_printed(folder):
    (folder / "line.csv").unlink()
    result = invoke(folder)
    assert isinstance(result.exception, WrongInput)
    assert str(result.exception) == "check local: 1 of 12 failed: pipeline"
    assert len(result.stdout.splitlines()) == 12
    line = next(line for line in result.stdout.splitlines() if "pipeline " in line)
    assert line.startswith("fail ")
    assert "line.csv: no such file" in line
    assert isinstance(invoke(folder, "--json").exception, WrongInput)


def test_settings_that_are_wrong_keep_only_what_needs_them_from_being_checked(folder):
    found = findings(folder, "--set", "label.colum=x")
    assert found["settings"]["ok"] is False
    assert "did you mean 'column'" in found["settings"]["text"]
    assert found["rest"]["ok"] is None
    assert all(name in found["rest"]["text"] for name in OF_PROJECT)
    assert found["python"]["ok"] is True
    assert "pipeline" not in found


@pytest.mark.parametrize(
    ("file", "old", "new", "says"),
    [
        ("line.csv", "temp,mold,bad", "temp,mold,worse", "no column 'bad'"),
        ("schema/line.pbtxt", "feature", "faeture", "line.pbtxt"),
        ("line.csv", "temp,mold,bad", "temp,temp,bad", "more than once"),
    ],
)
def test_what_does_not_fit_together_is_found(folder, file, old, new, says):
    text = (folder / file).read_text()
    assert old in text
    (folder / file).write_text(text.replace(old, new, 1))
    assert failed(folder) == ["pipeline"]
    assert says in findings(folder)["pipeline"]["text"]


def test_model_code_that_python_cannot_read_is_found(folder):
    (folder / "mine.py").write_text("def build_network(:\n")
    settings = ("--set", "model.network_fn=mine.build_network")
    assert failed(folder, *settings) == ["pipeline"]
    assert "mine.py, line 1" in findings(folder, *settings)["pipeline"]["text"]
    (folder / "mine.py").write_text("def build_netwrk():\n  pass\n")
    assert "did you mean" in findings(folder, *settings)["pipeline"]["text"]


def test_a_root_that_cannot_be_written_is_found(folder):
    (folder / ".beltline").write_text("a file")
    assert {"root", "metadata"} <= set(failed(folder))
    assert "BELTLINE_ROOT" in findings(folder)["root"]["mend"]


def test_a_run_that_is_going_on_is_found(folder):
    with only_run(folder / ".beltline"):
        assert failed(folder) == ["idle"]
    assert failed(folder) == []


def test_metadata_that_cannot_be_opened_is_found(folder, monkeypatch):
    (folder / "notes.txt").write_text("no database, but words\n" * 200)
    monkeypatch.setenv("BELTLINE_METADATA", f"sqlite:///{folder / 'notes.txt'}")
    assert failed(folder) == ["metadata"]
    monkeypatch.setenv("BELTLINE_METADATA", "mysql://me:secret@127.0.0.1:1/meta")
    found = findings(folder)["metadata"]
    assert found["ok"] is False
    assert "secret" not in found["text"]
    assert "BELTLINE_METADATA" in found["mend"]
    monkeypatch.setenv("BELTLINE_METADATA", "oracle://x")
    assert "must be sqlite" in findings(folder)["metadata"]["text"]


def test_too_little_disk_is_found(folder):
    assert checks.disk(context(folder), GIB) == "1.0 GiB free"
    with pytest.raises(Problem, match=r"0\.9 GiB free, 1\.0 GiB needed") as found:
        checks.disk(context(folder), GIB * 9 // 10)
    assert "BELTLINE_ROOT" in found.value.mend
    with (folder / "line.csv").open("r+b") as data:
        data.truncate(GIB)
    with pytest.raises(Problem, match=r"4\.9 GiB free, 5\.0 GiB needed"):
        checks.disk(context(folder), int(GIB * 4.9))
    assert checks.disk(context(folder), 5 * GIB) == "5.0 GiB free"


@pytest.mark.parametrize(("found", "fits"), [((3, 11, 0), True), ((3, 10, 9), False)])
def test_the_version_of_python(found, fits):
    if fits:
        checks.python(found)
    else:
        with pytest.raises(Problem, match=r"3\.10\.9, but TFX needs 3\.11"):
            checks.python(found)
    with pytest.raises(Problem):
        checks.python((3, 12, 1))


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
        assert libc[1] in checks.machine(system, libc)
    else:
        with pytest.raises(Problem, match=r"TFX") as found:
            checks.machine(system, libc)
        assert "glibc 2.28" in found.value.mend


def test_libraries_are_compared_with_the_lock():
    here = (
        f"tfx=={version('tfx')} \\\n    --hash=sha256:00\nkeras[x]=={version('keras')} ; a < 'b'\n"
    )
    assert f"tfx {version('tfx')}" in checks.libraries(here)
    assert checks.libraries("") == checks.libraries(here)
    with pytest.raises(Problem, match=rf"^keras {version('keras')} \(locked: 9\.9\)$") as found:
        checks.libraries(here.replace(version("keras"), "9.9"))
    assert "make setup" in found.value.mend


def test_a_library_that_is_missing_is_found(monkeypatch):
    monkeypatch.setattr(checks, "_LIBRARIES", ("tfx", "beltline-never-was"))
    with pytest.raises(Problem, match=r"^beltline-never-was missing$"):
        checks.libraries("")


def test_the_lock():
    text = "tfx==1.21.0 \\\n    --hash=sha256:00\n"
    good = digest.of_lock(text)[:16]
    assert checks.lock(good, text) == good
    assert checks.lock(good, "") == good
    assert checks.lock("unlocked", text).startswith("unlocked: ")
    with pytest.raises(Problem, match=f"holds 0123, .* is {good}") as found:
        checks.lock("0123", text)
    assert "make setup" in found.value.mend


def test_too_little_memory_is_found():
    assert checks.memory(lambda: 2 * GIB) == "2.0 GiB free"
    assert checks.memory(lambda: None) == "not known"
    with pytest.raises(Problem, match=r"1\.5 GiB free, 2 GiB needed"):
        checks.memory(lambda: int(1.5 * GIB))


def write(folder, **files):
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name.replace("__", ".")).write_text(text)


def test_the_memory_of_the_machine_or_of_its_container(tmp_path):
    proc, new, old = tmp_path / "proc", tmp_path / "v2", tmp_path / "v1"
    assert checks.available_memory(proc, new) is None
    write(proc, meminfo="MemTotal: 9000 kB\nMemAvailable:    8000 kB\n")
    assert checks.available_memory(proc, new) == 8000 * 1024
    write(new, memory__max="3000000\n", memory__current="1000000\n")
    assert checks.available_memory(proc, new) == 2_000_000
    write(new, memory__stat="anon 5\ninactive_file 400000\n")
    assert checks.available_memory(proc, new) == 2_400_000
    write(new, memory__max="max\n")
    assert checks.available_memory(proc, new) == 8000 * 1024
    write(old / "memory", memory__limit_in_bytes="500", memory__usage_in_bytes="100")
    assert checks.available_memory(proc, old) == 400


def test_gpus_are_told_and_none_is_no_fault(tmp_path):
    dev, proc = tmp_path / "dev", tmp_path / "proc"
    assert checks.gpu(dev, proc).startswith("none seen")
    write(dev, nvidia0="", nvidia1="", nvidiactl="")
    assert checks.gpu(dev, proc) == "2 seen"
    for bus in ("0000:01", "0000:02"):
        write(proc / "driver/nvidia/gpus" / bus, information="Model: \t\t NVIDIA H100\nIRQ: 1\n")
    assert checks.gpu(dev, proc) == "NVIDIA H100, NVIDIA H100"
