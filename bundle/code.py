"""`code.zip`: model code as an archive that Python imports, the same bytes for the same sources."""

import io
import zipfile
from collections.abc import Mapping

# The earliest time that the format can hold: a file's age must not change the archive.
_EPOCH = (1980, 1, 1, 0, 0, 0)


def archive(sources: Mapping[str, bytes]) -> bytes:
    """Returns a zip of `sources` (relative path: content), without times and in order of names."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as zipped:
        for name in sorted(sources):
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.external_attr = 0o644 << 16
            zipped.writestr(entry, sources[name])
    return buffer.getvalue()
