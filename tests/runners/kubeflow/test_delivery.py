import base64
import bz2
import io
import json
import lzma
import os
import string
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest
import yaml

import beltline
from beltline.base.errors import WrongInput
from beltline.bundle.code import archive
from beltline.bundle.folder import CODE, MANIFEST, PIPELINE, open_bundle
from beltline.bundle.stripping import stripped
from beltline.runners.kubeflow import delivery
from beltline.runners.kubeflow.compile.limits import BUNDLE_BYTES
from beltline.runners.kubeflow.delivery import decoded, encoded
from tests.kubeflow.packages import bundle

ROOT = Path(__file__).parents[3]
# Words in any order are bzip2's, the same bytes at a distance LZMA's.
CODE_LIKE = " ".join(map(str, np.random.default_rng(1).integers(0, 1000, 20_000))).encode()
ALIKE = os.urandom(30_000) * 2
ENCODED = """\
import sys
from pathlib import Path
from beltline.bundle.folder import open_bundle
from beltline.runners.kubeflow import delivery
from beltline.runners.kubeflow.compile.limits import BUNDLE_BYTES
from beltline.runners.kubeflow.delivery import encoded
print(encoded(open_bundle(Path(sys.argv[1]))), end="")
"""


def packed(files):
    """The text of an archive of other files than a bundle has."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            if content is None:
                entry.type = tarfile.DIRTYPE
            else:
                entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content or b""))
    return base64.b64encode(lzma.compress(buffer.getvalue())).decode()


def decompressed(text):
    """The archive in a text."""
    content = base64.b64decode(text)
    return (bz2 if content.startswith(b"BZh") else lzma).decompress(content)


def test_what_went_in_comes_out(tmp_path):
    made = bundle(tmp_path, bytes(range(256)) * 40)
    files = decoded(encoded(made))
    assert set(files) == {MANIFEST, PIPELINE, CODE}
    for name, content in files.items():
        assert content == (made.path / name).read_bytes()


MODEL = "beltline/models/network.py"
# Yours travels as it is.
OWN = {
    MODEL: stripped((ROOT / "models/network.py").read_bytes()),
    "mine/code.py": b"x = 1  # yours\n",
}


def test_the_own_model_code_leaves_room_in_the_package(tmp_path):
    # What trains together travels only where several processes do: `test_limits.py`.
    models = [file for file in (ROOT / "models").rglob("*.py") if "shared" not in file.parts]
    sources = {f"beltline/{file.relative_to(ROOT)}": stripped(file.read_bytes()) for file in models}
    text = encoded(bundle(tmp_path, archive(sources)))
    # What the pipeline itself and code of your own take comes on top: `test_limits.py`.
    assert len(text) < 49_000 < BUNDLE_BYTES - 8_000


def test_installed_model_code_travels_as_a_digest_alone(tmp_path):
    made = bundle(tmp_path, archive(OWN))
    text = encoded(made, without_installed=True)
    assert len(encoded(made)) > 2 * len(text)
    assert decoded(text)[CODE] == archive(OWN)
    with tarfile.open(fileobj=io.BytesIO(decompressed(text))) as tar:
        names = tar.getnames()
    assert names == [MANIFEST, PIPELINE, "installed.json", "code/mine/code.py"]


@pytest.mark.parametrize(
    "changed", [{MODEL: b"other"}, {"beltline/models/of_mine.py": OWN[MODEL]}, {"beltline": b"1"}]
)
def test_model_code_that_is_not_the_installed_one_travels_whole(tmp_path, changed):
    made = bundle(tmp_path, archive(OWN | changed))
    text = encoded(made, without_installed=True)
    assert decoded(text)[CODE] == archive(OWN | changed)


def test_an_image_with_other_model_code_is_refused(tmp_path, monkeypatch):
    text = encoded(bundle(tmp_path, archive(OWN)), without_installed=True)
    other = tmp_path / "beltline" / "models" / "network.py"
    other.parent.mkdir(parents=True)
    other.write_bytes(b"another version")
    monkeypatch.setattr(beltline, "__file__", str(tmp_path / "beltline/__init__.py"))
    with pytest.raises(WrongInput, match=f"the image has another {MODEL} than .*`make image`"):
        decoded(text)
    other.unlink()
    with pytest.raises(WrongInput, match=f"the image has another {MODEL} than"):
        decoded(text)
    # A comment is none of the model's.
    other.write_bytes(OWN[MODEL] + b"# end")
    assert decoded(text)[CODE] == archive(OWN)


def test_an_archive_that_was_written_in_another_way_stays_as_it_is(tmp_path):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as zipped:
        zipped.writestr(MODEL, OWN[MODEL])
    text = encoded(bundle(tmp_path, buffer.getvalue()), without_installed=True)
    assert decoded(text)[CODE] == buffer.getvalue()


def test_no_file_outside_of_the_package_is_taken_for_an_installed_one():
    lured = {"beltline/../../pyproject.toml": "0" * 32}
    text = packed({MANIFEST: b"", PIPELINE: b"", "installed.json": json.dumps(lured).encode()})
    with pytest.raises(WrongInput, match="the image has another"):
        decoded(text)


def test_the_shorter_of_two_compressions_is_sent(tmp_path):
    begins = []
    for content in (CODE_LIKE, ALIKE):
        text = encoded(bundle(tmp_path, content))
        assert decoded(text)[CODE] == content
        begins.append(base64.b64decode(text)[:3])
    assert begins == [b"BZh", b"\xfd7z"]


def test_the_same_bundle_makes_the_same_text_wherever_it_lies(tmp_path):
    first, second = bundle(tmp_path / "a"), bundle(tmp_path / "b")
    (second.path / CODE).chmod(0o600)
    (second.path / CODE).touch()
    done = subprocess.run(
        [sys.executable, "-c", ENCODED, second.path], cwd=ROOT, capture_output=True, text=True
    )
    assert encoded(first) == done.stdout, done.stderr
    assert encoded(bundle(tmp_path / "c", b"other")) != done.stdout


def test_yaml_and_a_shell_leave_it_as_it_is(tmp_path):
    text = encoded(bundle(tmp_path))
    assert set(text) <= set(string.ascii_letters + string.digits + "+/=")
    assert yaml.safe_load(yaml.safe_dump([text])) == [text]
    # As an argument it is no option.
    assert text[0] != "-"


def test_other_files_beside_the_bundle_do_not_travel(tmp_path):
    made = bundle(tmp_path)
    before = encoded(made)
    (made.path / "notes.txt").write_text("mine")
    assert encoded(open_bundle(made.path)) == before


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no base64!",
        "ä",
        base64.b64encode(b"nothing compressed").decode(),
        base64.b64encode(lzma.compress(b"no archive")).decode(),
        base64.b64encode(lzma.compress(b"")).decode(),
        base64.b64encode(bz2.compress(b"no archive")).decode(),
        base64.b64encode(b"BZh9 of something else").decode(),
        packed({MANIFEST: b"{}", PIPELINE: b""}),
        packed({MANIFEST: b"{}", PIPELINE: b"", CODE: None}),
    ],
    ids=[
        "nothing",
        "letters",
        "umlaut",
        "plain",
        "no archive",
        "empty",
        "bz2",
        "no bz2",
        "a file less",
        "a folder",
    ],
)
def test_a_damaged_text_is_told(text):
    with pytest.raises(WrongInput, match="the bundle in the package is corrupt") as error:
        decoded(text)
    assert str(error.value).endswith("compile and upload it again")


@pytest.mark.parametrize("content", [CODE_LIKE, ALIKE], ids=["bzip2", "LZMA"])
@pytest.mark.parametrize("part", [0.1, 0.5, 0.9])
def test_a_text_that_was_cut_off_is_told(tmp_path, part, content):
    text = encoded(bundle(tmp_path, content))
    left = int(len(text) * part)
    with pytest.raises(WrongInput, match="is corrupt"):
        decoded(text[:left])
    with pytest.raises(WrongInput, match=r"is corrupt \(it was cut off\)"):
        decoded(text[: left // 4 * 4])


@pytest.mark.parametrize("place", [0.1, 0.5, 0.99])
def test_a_text_with_another_letter_is_told(tmp_path, place):
    text = encoded(bundle(tmp_path, bytes(range(256)) * 40))
    at = int(len(text) * place)
    other = "A" if text[at] != "A" else "B"
    with pytest.raises(WrongInput, match="is corrupt"):
        decoded(text[:at] + other + text[at + 1 :])


def test_a_text_that_stands_for_more_than_a_pod_can_hold_is_told(monkeypatch):
    # The limit itself takes seconds to compress.
    monkeypatch.setattr(delivery, "_CONTENT_BYTES", 1 << 20)
    text = packed({MANIFEST: b"{}", PIPELINE: bytes(2 << 20), CODE: b"code"})
    assert len(text) < 2_000
    with pytest.raises(WrongInput, match=r"is corrupt \(it has more than 1,048,576 bytes\)"):
        decoded(text)


def test_an_archive_that_was_cut_off_is_told():
    archive = lzma.decompress(base64.b64decode(packed({MANIFEST: b"x" * 5000})))
    text = base64.b64encode(lzma.compress(archive[:2048])).decode()
    with pytest.raises(WrongInput, match="is corrupt"):
        decoded(text)


def test_a_file_outside_of_the_bundle_is_never_read_out():
    text = packed({MANIFEST: b"1", PIPELINE: b"2", CODE: b"3", "../../escape": b"4"})
    assert decoded(text) == {MANIFEST: b"1", PIPELINE: b"2", CODE: b"3"}
