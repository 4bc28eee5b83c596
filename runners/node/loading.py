"""Loading TFX, with Python's garbage collector out of the way.

Loading makes millions of objects that stay: looking through them again and again costs a fifth of
the time, and each look in a forked child would copy the pages that it shares with its parent.
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def loading() -> Iterator[None]:
    """Collects nothing inside; what is there at the end is never looked through again."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
