"""The cluster."""

from tests.models.on_dask import cluster, code, processes

__all__ = ["cluster", "code", "processes"]
