"""A bundle as text in the package: a compressed tar archive in base64.

A bundle that is too large for this is copied to the volume by hand: `kubeflow.bundle: volume`.
"""

import base64
import io
import lzma
import tarfile

from beltline.base.errors import WrongInput
from beltline.bundle.folder import CODE, MANIFEST, PIPELINE, Bundle

_FILES = (MANIFEST, PIPELINE, CODE)


def encoded(bundle: Bundle) -> str:
    """Returns the bundle as text, which is deterministic."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name in _FILES:
            content = (bundle.path / name).read_bytes()
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    compressed = lzma.compress(buffer.getvalue(), preset=9 | lzma.PRESET_EXTREME)
    return base64.b64encode(compressed).decode("ascii")


def decoded(text: str) -> dict[str, bytes]:
    """Returns the files of the bundle, by name, from the text that `encoded` returned.

    Raises:
      WrongInput: the text is corrupt.
    """
    try:
        archive = lzma.decompress(base64.b64decode(text, validate=True))
        with tarfile.open(fileobj=io.BytesIO(archive)) as files:
            return {name: _read(files, name) for name in _FILES}
    except (ValueError, lzma.LZMAError, tarfile.TarError, KeyError) as error:
        raise WrongInput(
            f"the bundle in the package is corrupt ({error}): compile and upload it again"
        ) from None


def _read(files: tarfile.TarFile, name: str) -> bytes:
    found = files.extractfile(name)
    if found is None:
        raise KeyError(name)
    with found:
        return found.read()
