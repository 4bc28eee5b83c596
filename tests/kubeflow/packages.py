"""A compiled package of a small pipeline, without TFX."""

import functools
import json
import tempfile
from pathlib import Path
from typing import Any

from beltline.base.settings.kubeflow import Kubeflow
from beltline.bundle import folder
from beltline.bundle.folder import Bundle
from beltline.runners.kubeflow.compile import package
from tests.bundle.bundles import manifest

NEEDED = {
    "image": "registry.example.com/beltline:1",
    "volume_claim": "beltline",
    "secrets": {"beltline": {"metadata": "BELTLINE_METADATA"}},
}

# What a shell, or a template, would make something else of.
MONITORING = {"min_rows": 500, "without": ["{{ $x }} '$(touch y)"], "metrics": {"auc": {}}}


def settings(**changes: Any) -> Kubeflow:
    """The section `kubeflow` as the command line hands it on."""
    return Kubeflow.model_validate({**NEEDED, **changes})


def bundle(parent: Path, code: bytes = b"code") -> Bundle:
    """A bundle below `parent`; another code makes it another one."""
    return folder.write(parent / "bundles", manifest(), b"pipeline", code)


def compiled(parent: Path, code: bytes = b"code", **changes: Any) -> Path:
    """The package's file in `parent`, with its bundle beside it."""
    bundle(parent, code)
    file = parent / package.PACKAGE
    file.write_text(_compiled(code, json.dumps(changes)))
    return file


def with_monitoring(parent: Path, code: bytes = b"code", **monitoring: Any) -> Path:
    """The package's file as `compiled` writes it, with the monitoring's package beside it."""
    text = _compiled_monitoring(code, json.dumps({**MONITORING, **monitoring}))
    file = compiled(parent, code)
    file.with_name(package.MONITOR_PACKAGE).write_text(text)
    return file


@functools.cache
def _compiled(code: bytes, changes: str) -> str:
    """The text of a package: compiling takes longer than most that is asked of it."""
    with tempfile.TemporaryDirectory(prefix="beltline-package-") as folder:
        made = bundle(Path(folder), code)
        return package.write(Path(folder), made, settings(**json.loads(changes))).read_text()


@functools.cache
def _compiled_monitoring(code: bytes, monitoring: str) -> str:
    """The same of the monitoring's package."""
    with tempfile.TemporaryDirectory(prefix="beltline-package-") as folder:
        made = bundle(Path(folder), code)
        written = package.write_monitor(Path(folder), made, settings(), json.loads(monitoring))
        return written.read_text()
