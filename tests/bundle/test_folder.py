import json
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from beltline.base import digest
from beltline.base.errors import WrongInput
from beltline.bundle import folder
from tests.bundle.bundles import manifest

ROOT = Path(__file__).parents[2]
START = """
import os, resource, signal, sys
from pathlib import Path
from beltline.bundle import folder
from tests.bundle.bundles import manifest
parent = Path(sys.argv[1])
"""


def start(script, parent, **options):
    command = [sys.executable, "-c", START + script, str(parent)]
    return subprocess.Popen(command, cwd=ROOT, text=True, **options)


def write(parent, code=b"code", **changes):
    return folder.write(parent, manifest(**changes), b"pipeline", code)


def test_what_was_written_opens(tmp_path):
    written = write(tmp_path / "bundles")
    opened = folder.open_bundle(written.path)
    assert opened == written
    assert written.path.name == written.manifest.digest[:16]
    assert (opened.pipeline(), opened.code.read_bytes()) == (b"pipeline", b"code")
    assert opened.manifest == manifest(digest=written.manifest.digest)


def test_the_digest_covers_everything(tmp_path):
    first = write(tmp_path)
    others = [
        write(tmp_path, code=b"other"),
        write(tmp_path, name="other"),
        write(tmp_path, parameters={}),
        folder.write(tmp_path, manifest(), b"other", b"code"),
    ]
    digests = {bundle.manifest.digest for bundle in [first, *others]}
    assert len(digests) == 5
    assert {path.name for path in tmp_path.iterdir()} == {found[:16] for found in digests}


def test_another_folder_gives_the_same_digest(tmp_path):
    assert write(tmp_path / "a").manifest == write(tmp_path / "b").manifest


def test_one_that_is_there_is_left_alone(tmp_path):
    path = write(tmp_path).path
    before = {file: file.stat().st_mtime_ns for file in [path, *path.iterdir()]}
    write(tmp_path)
    assert {file: file.stat().st_mtime_ns for file in [path, *path.iterdir()]} == before
    assert list(tmp_path.iterdir()) == [path]


def test_other_users_may_read_it(tmp_path):
    assert write(tmp_path).path.stat().st_mode & 0o777 == 0o755


@pytest.mark.parametrize("name", [folder.MANIFEST, folder.PIPELINE, folder.CODE])
def test_any_changed_file_is_found(tmp_path, name):
    file = write(tmp_path).path / name
    # A space changes nothing in what the manifest says.
    file.write_bytes(file.read_bytes() + b" ")
    with pytest.raises(WrongInput, match="was changed after it was written"):
        folder.open_bundle(file.parent)


def test_a_field_put_into_the_manifest_is_found(tmp_path):
    file = write(tmp_path).path / folder.MANIFEST
    file.write_text(file.read_text().replace('"name"', '"owner": "me",\n  "name"', 1))
    with pytest.raises(WrongInput, match="was changed"):
        folder.open_bundle(file.parent)


def test_the_manifest_of_another_bundle_is_found(tmp_path):
    one, other = write(tmp_path).path, write(tmp_path, code=b"other").path
    shutil.copyfile(other / folder.MANIFEST, one / folder.MANIFEST)
    with pytest.raises(WrongInput, match="was changed"):
        folder.open_bundle(one)


def test_a_whole_bundle_in_the_place_of_another_is_found(tmp_path):
    one, other = write(tmp_path).path, write(tmp_path, code=b"other").path
    shutil.rmtree(one)
    shutil.copytree(other, one)
    with pytest.raises(WrongInput, match=f"holds bundle {other.name} under the name {one.name}: "):
        folder.open_bundle(one)
    # Under a name of somebody's own it may be any.
    assert folder.open_bundle(one.rename(tmp_path / "mine")).manifest.digest[:16] == other.name


@pytest.mark.parametrize("name", ["../../x", "a/b", "..", "", "/x", "a\0b", "a\n"])
def test_a_name_that_would_leave_its_folder_is_refused(tmp_path, name):
    path = folder.write(tmp_path, manifest(), b"pipeline", b"code").path
    text = (path / folder.MANIFEST).read_text()
    for old in ('"name": "line"', '"id": "Trainer"'):
        assert old in text
        key = old.partition(":")[0]
        parts = {folder.PIPELINE: b"pipeline", folder.CODE: b"code"}
        found = re.search(r'"digest": "([0-9a-f]+)"', text)[1]
        blank = text.replace(found, "").replace(old, f"{key}: {json.dumps(name)}", 1)
        made = digest.of_parts({**parts, folder.MANIFEST: blank.encode()})
        evil = blank.replace('"digest": ""', f'"digest": "{made}"')
        (path / folder.MANIFEST).write_text(evil)
        with pytest.raises(WrongInput, match="String should match pattern"):
            folder.open_bundle(path)


def test_a_damaged_one_is_not_taken_for_what_would_be_written(tmp_path):
    bundle = write(tmp_path)
    bundle.code.write_bytes(b"")
    with pytest.raises(WrongInput, match="remove it and compile again"):
        write(tmp_path)


def test_one_written_before_a_field_was_there_opens(tmp_path):
    text = json.loads(manifest().model_dump_json())
    for node in text["nodes"]:
        del node["resources"]
    parts = {folder.PIPELINE: b"pipeline", folder.CODE: b"code"}
    blank = json.dumps(text, indent=2) + "\n"
    found = digest.of_parts({**parts, folder.MANIFEST: blank.encode()})
    for name, content in parts.items():
        (tmp_path / name).write_bytes(content)
    (tmp_path / folder.MANIFEST).write_text(blank.replace('"digest": ""', f'"digest": "{found}"'))
    assert folder.open_bundle(tmp_path).manifest.node("Trainer").resources.gpu == 0


def test_what_is_no_bundle_is_refused(tmp_path):
    with pytest.raises(WrongInput, match="not a bundle"):
        folder.open_bundle(tmp_path / "nothing")
    path = write(tmp_path).path
    (path / folder.CODE).unlink()
    with pytest.raises(WrongInput, match=r"not a bundle.*code\.zip"):
        folder.open_bundle(path)
    (path / folder.CODE).write_bytes(b"code")
    (path / folder.MANIFEST).write_text('{"format": 2}')
    with pytest.raises(WrongInput, match="format"):
        folder.open_bundle(path)


def test_writers_at_the_same_time(tmp_path):
    script = """
print("ready", flush=True)
sys.stdin.read(1)
for number in range(60):
    made = folder.write(parent, manifest(version=str(number)), b"p" * 200_000, b"c" * 200_000)
    assert folder.open_bundle(made.path).manifest == made.manifest
"""
    writers = [
        start(script, tmp_path, stdin=subprocess.PIPE, stdout=subprocess.PIPE) for _ in range(4)
    ]
    for writer in writers:
        assert writer.stdout.readline() == "ready\n"
    for writer in writers:
        writer.stdin.write(".")
        writer.stdin.flush()
    for writer in writers:
        writer.communicate(timeout=60)
    assert [writer.returncode for writer in writers] == [0] * 4
    assert len(list(tmp_path.iterdir())) == 60
    assert not list(tmp_path.glob(".*"))


def test_a_full_disk_leaves_nothing(tmp_path):
    # The system refuses to write more than this into a file.
    script = """
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
folder.write(parent, manifest(), b"pipeline", b"c" * 200_000)
"""
    writer = start(script, tmp_path, stderr=subprocess.PIPE)
    assert "File too large" in writer.communicate(timeout=60)[1]
    assert list(tmp_path.iterdir()) == []


def test_a_killed_writer_leaves_no_bundle_and_does_not_stand_in_the_way(tmp_path):
    script = """
os.rename = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
folder.write(parent, manifest(), b"pipeline", b"code")
"""
    assert start(script, tmp_path).wait(timeout=60) == -signal.SIGKILL
    assert [path.name for path in tmp_path.iterdir() if not path.name.startswith(".bundle-")] == []
    assert folder.open_bundle(write(tmp_path).path).code.read_bytes() == b"code"
