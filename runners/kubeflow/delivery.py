"""A bundle as text in the package: a compressed tar archive in base64.

JSON, YAML, shells and the templates of Argo and Kubernetes leave base64 as it is; base85 would be
6% shorter. Kubeflow keeps the text eight times in the object of each run, which has to stay below
1 MiB. With `kubeflow.bundle: image`, the model code that is Beltline's own travels as digests
alone. A bundle that is still too large is copied to the volume by hand: `kubeflow.bundle: volume`.
"""

import base64
import bz2
import io
import json
import lzma
import tarfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

import beltline
from beltline.base import digest
from beltline.base.errors import WrongInput
from beltline.bundle.code import archive
from beltline.bundle.folder import CODE, MANIFEST, PIPELINE, Bundle
from beltline.bundle.stripping import stripped

_BZIP2 = b"BZh"
_FILES = (MANIFEST, PIPELINE, CODE)
# Instead of `code.zip`: its files, and the digests of those that are installed.
_SOURCES, _INSTALLED = "code/", "installed.json"
# The pod that unpacks a bundle has 512 MiB of memory, and 56 KiB can stand for gigabytes.
_CONTENT_BYTES = 64 << 20


def encoded(bundle: Bundle, without_installed: bool = False) -> str:
    """Returns the bundle as text, which is deterministic.

    Args:
      bundle: the bundle.
      without_installed: leave out the model code that is equal in this installation.
    """
    files = {name: (bundle.path / name).read_bytes() for name in _FILES}
    if without_installed:
        files |= _code_to_send(files.pop(CODE))
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    return base64.b64encode(_compressed(buffer.getvalue())).decode("ascii")


def decoded(text: str) -> dict[str, bytes]:
    """Returns the files of the bundle, by name, from the text that `encoded` returned.

    Raises:
      WrongInput: the text is corrupt, or Beltline's own model code differs from the one here.
    """
    try:
        content = _decompressed(base64.b64decode(text, validate=True))
        with tarfile.open(fileobj=io.BytesIO(content)) as tar:
            sent = {entry.name: _read(tar, entry) for entry in tar if entry.isfile()}
        if _INSTALLED in sent:
            sent[CODE] = _code_of(sent)
        return {name: sent[name] for name in _FILES}
    except (ValueError, OSError, lzma.LZMAError, tarfile.TarError, KeyError) as error:
        raise WrongInput(
            f"the bundle in the package is corrupt ({error}): compile and upload it again"
        ) from None


def _compressed(content: bytes) -> bytes:
    """Returns the shorter of two: bzip2's for much code, LZMA's for much that is alike."""
    xz = lzma.compress(content, preset=9 | lzma.PRESET_EXTREME)
    return min(bz2.compress(content), xz, key=len)


def _decompressed(compressed: bytes) -> bytes:
    decompressor: bz2.BZ2Decompressor | lzma.LZMADecompressor
    if compressed.startswith(_BZIP2):
        decompressor = bz2.BZ2Decompressor()
    else:
        decompressor = lzma.LZMADecompressor(lzma.FORMAT_XZ)
    content = decompressor.decompress(compressed, _CONTENT_BYTES)
    if not decompressor.eof:
        if decompressor.needs_input:
            raise ValueError("it was cut off")
        raise ValueError(f"it has more than {_CONTENT_BYTES:,} bytes")
    return content


def _code_to_send(code: bytes) -> dict[str, bytes]:
    """Returns the files that stand for the archive of the model code."""
    try:
        with zipfile.ZipFile(io.BytesIO(code)) as zipped:
            sources = {name: zipped.read(name) for name in zipped.namelist()}
    except zipfile.BadZipFile:
        return {CODE: code}
    if archive(sources) != code:
        # Of another version, which wrote archives in another way.
        return {CODE: code}
    here = {name: source for name, source in sources.items() if _installed(name) == source}
    digests = {name: digest.of_parts({name: source}) for name, source in here.items()}
    sent = {_SOURCES + name: source for name, source in sources.items() if name not in here}
    return {_INSTALLED: json.dumps(digests, sort_keys=True).encode(), **sent}


def _code_of(sent: Mapping[str, bytes]) -> bytes:
    sources = {
        name.removeprefix(_SOURCES): content
        for name, content in sent.items()
        if name.startswith(_SOURCES)
    }
    for name, expected in json.loads(sent[_INSTALLED]).items():
        source = _installed(name)
        if source is None or digest.of_parts({name: source}) != expected:
            raise WrongInput(
                f"the image has another {name} than the Beltline that compiled the package: build "
                "the image again (`make image`), or set `kubeflow.bundle: package`"
            )
        sources[name] = source
    return archive(sources)


def _installed(name: str) -> bytes | None:
    """Returns a module of the installed Beltline as it would travel, None if there is none."""
    package = Path(beltline.__file__).parent
    file = package.parent / name
    if package not in file.parents or ".." in file.parts or not file.is_file():
        return None
    return stripped(file.read_bytes())


def _read(tar: tarfile.TarFile, entry: tarfile.TarInfo) -> bytes:
    found = tar.extractfile(entry)
    if found is None:
        raise KeyError(entry.name)
    with found:
        return found.read()
