"""Our own TFX components, for the places where a stock one is slow, unsafe or missing.

Each is a component that any TFX pipeline could use: standard artifact types in and out. A new one
takes its sources' digest as the execution property `code_digest`, since TFX's cache would not see
a change of its code otherwise (see `digest_of_sources`).
"""

import functools
from pathlib import Path

# First, for what it does: it stands in for a module that TFDV asks tfx_bsl for.
import tfx  # noqa: F401 - never called by name

from beltline.base import digest, values


@functools.cache
def digest_of_sources() -> str:
    """Returns the digest of this package's sources, and of those that its executors call."""
    here = Path(__file__).parent
    called = ("evaluation", "predictions", "tables")
    folders = (here, *(here.parent / name for name in called))
    # What a value means is said outside, since the server goes by it too.
    meaning = {"values.py": Path(values.__file__).read_bytes()}
    return digest.of_parts(digest.source_files(*folders) | meaning)[:16]
