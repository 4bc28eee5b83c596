"""What a worker of a Dask cluster does for us: the libraries in their order, a bundle's code.

A cluster loads this module with `--preload beltline.runners.beam.worker`, so that the imports are
done before the first bundle; without it, the first bundle does them.
"""

import importlib
import os
import platform
import sys
import tempfile
from pathlib import Path
from typing import Any

import apache_beam

from beltline.bundle import code
from beltline.bundle.environment import lock_digest, source_digest

# TFX puts a stand-in for what TFDV can't do without; TFMA is unpickled only after the Evaluator's.
_LIBRARIES = ("tfx", "tfx.components.evaluator.executor")
# What runs a bundle: named, since the pool of another engine has no Dask.
_BUNDLES = "beltline.beam_on_dask.graph"

_used: dict[str, str] = {}


def dask_setup(worker: Any) -> None:
    """Imports what bundles need, and gives TensorFlow the worker's threads; Dask calls it.

    TensorFlow would take a thread for each of the machine's cores in each worker.
    """
    for variable in ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"):
        os.environ.setdefault(variable, str(worker.state.nthreads))
    import_libraries()
    importlib.import_module(_BUNDLES)


def import_libraries() -> None:
    """Imports TFX and TFMA, in the order in which their pickles load."""
    # Before anything imports TensorFlow, which would log on every start that it found no GPU.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    for library in _LIBRARIES:
        importlib.import_module(library)


def prepare(archive: bytes, digest: str, variables: dict[str, str]) -> None:
    """Makes this process run a bundle's model code where the node does.

    Args:
      archive: the content of the bundle's `code.zip`.
      digest: the archive's digest.
      variables: the environment variables of the node's root and data.
    """
    os.environ.update(variables)
    import_libraries()
    if _used.get("digest") == digest:
        return
    if before := _used.get("path"):
        sys.path.remove(before)
    path = Path(tempfile.mkdtemp(prefix="beltline-code-")) / "code.zip"
    path.write_bytes(archive)
    code.use(path)
    _used.update(digest=digest, path=str(path))


def found(folder: str = "") -> dict[str, str]:
    """Returns what a worker has, for comparison with the node's own.

    Args:
      folder: a folder that it should see and may write to; empty for none.
    """
    seen = "" if not folder else "writable" if os.access(folder, os.W_OK) else "not writable"
    return {
        "host": platform.node(),
        "python": platform.python_version(),
        "beam": apache_beam.__version__,
        "lock": lock_digest(),
        "beltline": source_digest(),
        "root": seen if not folder or Path(folder).is_dir() else "missing",
    }
