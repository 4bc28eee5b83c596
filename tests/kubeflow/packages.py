"""A compiled package of a small pipeline, without TFX."""

from pathlib import Path
from typing import Any

from bundle import folder
from bundle.folder import Bundle
from pipeline.kubeflow_settings import Kubeflow
from runners.kubeflow import package
from tests.bundle.bundles import manifest

NEEDED = {
    "image": "registry.example.com/beltline:1",
    "volume_claim": "beltline",
    "secrets": {"beltline": {"metadata": "BELTLINE_METADATA"}},
}


def settings(**changes: Any) -> dict[str, Any]:
    """The section `kubeflow` as the command line hands it on."""
    return Kubeflow(**{**NEEDED, **changes}).model_dump(mode="json")


def bundle(parent: Path, code: bytes = b"code") -> Bundle:
    """A bundle below `parent`; another code makes it another one."""
    return folder.write(parent / "bundles", manifest(), b"pipeline", code)


def compiled(parent: Path, code: bytes = b"code", **changes: Any) -> Path:
    """The package's file in `parent`, with its bundle beside it."""
    return package.write(parent, bundle(parent, code), settings(**changes))
