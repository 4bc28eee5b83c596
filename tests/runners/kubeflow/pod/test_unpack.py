"""`unpack` on a folder that stands for the volume, with other pods at the same time."""

import os
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import pytest
from click.testing import CliRunner

from beltline.base.errors import WrongInput
from beltline.bundle.folder import CODE, MANIFEST, PIPELINE, open_bundle
from beltline.runners.kubeflow.delivery import encoded
from beltline.runners.kubeflow.pod import unpack as module
from beltline.runners.kubeflow.pod.unpack import main, unpack
from tests.kubeflow.packages import bundle

ROOT = Path(__file__).parents[4]
NOBODY = 65534
# Waits for the others before each time, then unpacks.
PROCESS = """\
import sys, time
from pathlib import Path
from beltline.runners.kubeflow.pod.unpack import unpack
folder, name, text = sys.argv[1:]
for number in range(3):
    print("ready", flush=True)
    while not (Path(folder) / f"start{number}").exists():
        time.sleep(0.0005)
    print(unpack(Path(folder) / f"bundles{number}", name, text), flush=True)
"""


class Sent:
    """A bundle as a package carries it."""

    def __init__(self, parent, code=b"code"):
        self.bundle = bundle(parent, code)
        self.name = self.bundle.path.name
        self.text = encoded(self.bundle)


@pytest.fixture
def sent(tmp_path):
    return Sent(tmp_path / "sent")


def files(path):
    return {each.name: each.read_bytes() for each in path.iterdir()}


def test_it_is_written_once(sent, tmp_path):
    bundles = tmp_path / "volume/bundles"
    assert unpack(bundles, sent.name, sent.text) is True
    assert open_bundle(bundles / sent.name).manifest == sent.bundle.manifest
    assert files(bundles / sent.name) == files(sent.bundle.path)
    before = (bundles / sent.name / CODE).stat().st_mtime_ns
    assert unpack(bundles, sent.name, sent.text) is False
    assert (bundles / sent.name / CODE).stat().st_mtime_ns == before
    assert [path.name for path in bundles.iterdir()] == [sent.name]


def test_whatever_the_umask_other_users_can_read_it(sent, tmp_path):
    before = os.umask(0o077)
    try:
        unpack(tmp_path / "bundles", sent.name, sent.text)
    finally:
        os.umask(before)
    path = tmp_path / "bundles" / sent.name
    assert path.stat().st_mode & 0o777 == 0o755
    assert {each.stat().st_mode & 0o777 for each in path.iterdir()} == {0o644}


def test_another_bundle_beside_it_is_left_alone(sent, tmp_path):
    other = Sent(tmp_path / "other", b"other")
    for each in (sent, other):
        assert unpack(tmp_path / "bundles", each.name, each.text)
    assert {path.name for path in (tmp_path / "bundles").iterdir()} == {sent.name, other.name}


def test_whoever_reads_finds_all_of_it_or_none(sent, tmp_path, monkeypatch):
    path, seen = tmp_path / "bundles" / sent.name, []
    write = Path.write_bytes

    def slow(self, content):
        seen.append(path.exists())
        return write(self, content)

    monkeypatch.setattr(Path, "write_bytes", slow)
    unpack(path.parent, sent.name, sent.text)
    assert seen == [False, False, False]
    assert open_bundle(path)


def test_pods_that_write_it_at_once(tmp_path):
    sent = Sent(tmp_path / "sent", os.urandom(40_000))
    command = [sys.executable, "-c", PROCESS, tmp_path, sent.name, sent.text]
    processes = [
        subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) for _ in range(4)
    ]
    for number in range(3):
        for process in processes:
            assert process.stdout.readline() == "ready\n"
        (tmp_path / f"start{number}").touch()
        answers = [process.stdout.readline().strip() for process in processes]
        assert sorted(answers) == ["False"] * 3 + ["True"]
        bundles = tmp_path / f"bundles{number}"
        assert [path.name for path in bundles.iterdir()] == [sent.name]
        assert open_bundle(bundles / sent.name)
    assert [process.wait(60) for process in processes] == [0] * 4


def test_the_slower_one_takes_what_the_faster_one_wrote(sent, tmp_path, monkeypatch):
    bundles = tmp_path / "bundles"
    check = module.open_bundle
    raced = threading.Event()

    def meanwhile(path):
        # The other one writes it while this one looks at its own copy.
        if not raced.is_set() and path.name.startswith(".bundle-"):
            raced.set()
            assert unpack(bundles, sent.name, sent.text) is True
        return check(path)

    monkeypatch.setattr(module, "open_bundle", meanwhile)
    assert unpack(bundles, sent.name, sent.text) is False
    assert raced.is_set()
    assert [path.name for path in bundles.iterdir()] == [sent.name]


def test_a_damaged_text_leaves_nothing(sent, tmp_path):
    with pytest.raises(WrongInput, match="the bundle in the package is corrupt"):
        unpack(tmp_path / "bundles", sent.name, sent.text[:-40])
    assert not (tmp_path / "bundles").exists()


def test_another_bundle_than_the_package_says(sent, tmp_path):
    other = Sent(tmp_path / "other", b"other")
    with pytest.raises(WrongInput) as error:
        unpack(tmp_path / "bundles", sent.name, other.text)
    assert str(error.value) == (
        f"the package carries bundle {other.name} under the name {sent.name}: compile "
        "and upload it again"
    )
    assert list((tmp_path / "bundles").iterdir()) == []


@pytest.mark.parametrize("file", [MANIFEST, PIPELINE, CODE])
def test_a_bundle_in_the_package_that_was_changed(tmp_path, file):
    sent = Sent(tmp_path / "sent")
    path = sent.bundle.path / file
    path.write_bytes(path.read_bytes().replace(b"e", b"E", 1))
    with pytest.raises(WrongInput, match=f"^the package's bundle {sent.name}") as error:
        unpack(tmp_path / "bundles", sent.name, encoded(sent.bundle))
    assert ".bundle-" not in str(error.value)
    assert list((tmp_path / "bundles").iterdir()) == []


@pytest.mark.parametrize("file", [MANIFEST, PIPELINE, CODE])
def test_a_bundle_there_that_was_changed(sent, tmp_path, file):
    unpack(tmp_path / "bundles", sent.name, sent.text)
    path = tmp_path / "bundles" / sent.name
    changed = (path / file).read_bytes().replace(b"e", b"E", 1)
    (path / file).write_bytes(changed)
    with pytest.raises(WrongInput, match=str(path)):
        unpack(tmp_path / "bundles", sent.name, sent.text)
    # It is not for a pod to take it from a run that may be using it.
    assert (path / file).read_bytes() == changed


def test_a_bundle_there_that_lacks_a_file(sent, tmp_path):
    unpack(tmp_path / "bundles", sent.name, sent.text)
    (tmp_path / "bundles" / sent.name / CODE).unlink()
    with pytest.raises(WrongInput, match="not a bundle"):
        unpack(tmp_path / "bundles", sent.name, sent.text)


def test_another_bundle_under_this_name(sent, tmp_path):
    other = Sent(tmp_path / "other", b"other")
    path = tmp_path / "bundles" / sent.name
    unpack(path.parent, other.name, other.text)
    (path.parent / other.name).rename(path)
    with pytest.raises(WrongInput) as error:
        unpack(path.parent, sent.name, sent.text)
    assert str(error.value) == (
        f"{path} holds bundle {other.name} under the name {sent.name}: remove it there"
    )


def test_where_the_volume_should_be_there_is_a_file(sent, tmp_path):
    (tmp_path / "volume").write_text("no folder")
    with pytest.raises(WrongInput, match="Not a directory; is the volume mounted there"):
        unpack(tmp_path / "volume/bundles", sent.name, sent.text)


@pytest.fixture
def volume():
    """A folder that users other than root can come to."""
    with tempfile.TemporaryDirectory(prefix="beltline-volume-") as folder:
        Path(folder).chmod(0o755)
        (Path(folder) / "bundles").mkdir()
        yield Path(folder)


def as_a_pod(call):
    """Returns what `call` raises where it is made by a user who is not root."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        if os.geteuid() == 0:
            os.setgroups([])
            os.setgid(NOBODY)
            os.setuid(NOBODY)
        try:
            call()
            said = "nothing"
        except BaseException as error:
            said = f"{type(error).__name__}: {error}"
        os.write(writing, said.encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        said = pipe.read()
    os.waitpid(child, 0)
    return said


@pytest.mark.parametrize("mode", [0o555, 0o000], ids=["only read", "not even enter"])
def test_a_folder_that_the_user_may_not_write_to(sent, volume, mode):
    bundles = volume / "bundles"
    bundles.chmod(mode)
    says = as_a_pod(lambda: unpack(bundles, sent.name, sent.text))
    bundles.chmod(0o755)
    assert says == (
        f"WrongInput: {bundles}: not writable: Permission denied; is the volume mounted there, "
        "and writable for the pod's user (kubeflow.user, kubeflow.group)?"
    )
    assert list(bundles.iterdir()) == []


def test_what_one_user_wrote_another_can_open(sent, volume):
    assert unpack(volume / "bundles", sent.name, sent.text)
    assert as_a_pod(lambda: unpack(volume / "bundles", sent.name, sent.text)) == "nothing"


def test_the_command(sent, tmp_path):
    bundles = tmp_path / "bundles"
    words = ["--bundles", str(bundles), "--bundle", sent.name, sent.text]
    for said in ("written", "already exists"):
        done = CliRunner().invoke(main, words)
        assert (done.exit_code, done.output) == (0, f"{bundles / sent.name}: {said}\n")
    (bundles / sent.name).rename(tmp_path / "away")
    damaged = CliRunner().invoke(main, [*words[:-1], "damaged"])
    assert damaged.exit_code == 2
    assert damaged.output.startswith("beltline: the bundle in the package is corrupt")


def test_it_loads_no_tfx():
    code = (
        "import sys, beltline.runners.kubeflow.pod.unpack\n"
        "print([name for name in ('tfx', 'tensorflow', 'kfp') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout == "[]\n", done.stderr
