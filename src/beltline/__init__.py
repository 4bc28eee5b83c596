"""Beltline: one TFX pipeline, defined once, run unchanged locally, on Airflow and on Kubeflow.

The packages lie at the top of the repository and are linked here, so that this is the one name that
an installation adds (docs/architecture.md#one-name). A bundle's `code.zip` may hold model code of
that name too: whichever comes first on `sys.path` provides a module.
"""

from __future__ import annotations

from pkgutil import extend_path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from beltline.api.project import Project
    from beltline.api.root import Root

__path__ = extend_path(__path__, __name__)


def open(
    root: str | Path | None = None, *, pipeline: str | None = None, metadata: str | None = None
) -> Root:
    """Opens a root: its runs and versions, to be read from Python.

    Args:
      root: the folder; by default `BELTLINE_ROOT`, else `.beltline` here.
      pipeline: the pipeline's name, where the root has several.
      metadata: the URL of ML Metadata; by default `BELTLINE_METADATA`, else the root's own.

    Raises:
      WrongInput: the folder is no root, or the pipeline is unknown.
    """
    from beltline.api.root import open_root

    return open_root(root, pipeline, metadata)


def project(file: str | Path | None = None) -> Project:
    """Returns a project, to be run from Python.

    Args:
      file: its `pipeline.yaml`, or the folder of that; by default the one here, or the nearest in
        the folders above.

    Raises:
      WrongInput: there is none, or it is invalid.
    """
    from beltline.api.project import find_project

    return find_project(file)
