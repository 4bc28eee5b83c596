"""The bundle's folder: written once under its digest, verified by every runner that opens it."""

import re
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from beltline.base import digest
from beltline.base.errors import WrongInput
from beltline.bundle.manifest import Manifest

PIPELINE = "pipeline.pb"
CODE = "code.zip"
MANIFEST = "manifest.json"
_DIGEST = re.compile(r"[0-9a-f]{16}")


@dataclass(frozen=True)
class Bundle:
    """An opened bundle."""

    path: Path
    manifest: Manifest

    @property
    def code(self) -> Path:
        """The archive of the model code; `bundle.code.use` makes a process import it."""
        return self.path / CODE

    def pipeline(self) -> bytes:
        """Returns TFX's intermediate representation, serialized."""
        return (self.path / PIPELINE).read_bytes()


def write(parent: Path, manifest: Manifest, pipeline: bytes, code: bytes) -> Bundle:
    """Writes a bundle to `parent/<digest>`, unless it exists already, and returns it.

    Args:
      parent: folder of the bundles; created if missing.
      manifest: its `digest` is filled in here.
      pipeline: TFX's intermediate representation, serialized.
      code: the archive of the model code.

    Raises:
      WrongInput: the existing bundle was changed after it was written.
    """
    blank = manifest.model_copy(update={"digest": ""})
    parts = {MANIFEST: _text(blank), PIPELINE: pipeline, CODE: code}
    manifest = manifest.model_copy(update={"digest": digest.of_parts(parts)})
    path = parent / manifest.digest[:16]
    if not path.exists():
        parent.mkdir(parents=True, exist_ok=True)
        publish(stage(parent, {**parts, MANIFEST: _text(manifest)}), path)
    return open_bundle(path)


def open_bundle(path: Path) -> Bundle:
    """Returns the bundle in `path`, verified.

    Raises:
      WrongInput: it is not a bundle, has another format, or doesn't match its digest, which is the
        folder's name unless somebody gave it another.
    """
    try:
        contents = {name: (path / name).read_bytes() for name in (MANIFEST, PIPELINE, CODE)}
    except OSError as error:
        raise WrongInput(f"{path}: not a bundle: {error}") from None
    try:
        manifest = Manifest.model_validate_json(contents[MANIFEST])
    except ValidationError as error:
        raise WrongInput(f"{path / MANIFEST}: {error}") from None
    # The bytes as they are, not as this version writes them: an older bundle lacks newer fields.
    blank = contents[MANIFEST].replace(f'"{manifest.digest}"'.encode(), b'""', 1)
    if digest.of_parts({**contents, MANIFEST: blank}) != manifest.digest:
        raise WrongInput(f"{path}: was changed after it was written; remove it and compile again")
    name = path.absolute().name
    if _DIGEST.fullmatch(name) and not manifest.digest.startswith(name):
        raise WrongInput(
            f"{path} holds bundle {manifest.digest[:16]} under the name {name}: remove it there"
        )
    return Bundle(path, manifest)


def _text(manifest: Manifest) -> bytes:
    return (manifest.model_dump_json(indent=2) + "\n").encode()


def stage(parent: Path, contents: Mapping[str, bytes]) -> Path:
    """Writes a bundle's files into a hidden folder in `parent`, readable by every user."""
    staged = Path(tempfile.mkdtemp(prefix=".bundle-", dir=parent))
    try:
        for name, content in contents.items():
            (staged / name).write_bytes(content)
            # Another user may run it, whatever the umask is here.
            (staged / name).chmod(0o644)
        staged.chmod(0o755)
    except OSError:
        shutil.rmtree(staged, ignore_errors=True)
        raise
    return staged


def publish(staged: Path, path: Path) -> bool:
    """Makes a staged folder the bundle in `path`; False if another process was faster."""
    try:
        staged.rename(path)
    except OSError:
        shutil.rmtree(staged, ignore_errors=True)
        if not path.exists():
            raise
        return False
    return True
