"""Beltline: one TFX pipeline, defined once, run unchanged locally, on Airflow and on Kubeflow.

The packages lie at the top of the repository and are linked here, so that this is the one name that
an installation adds (docs/architecture.md#one-name). A bundle's `code.zip` may hold model code of
that name too: whichever comes first on `sys.path` provides a module.
"""

from pkgutil import extend_path

__path__ = extend_path(__path__, __name__)
