"""Importing TensorFlow and TFX without garbage collection.

The import creates millions of permanent objects. Collecting during it costs a fifth of its time,
and each later collection in a forked child would copy the pages that it shares with its parent.
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def loading() -> Iterator[None]:
    """Turns off garbage collection; objects that exist at the end are never collected."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
