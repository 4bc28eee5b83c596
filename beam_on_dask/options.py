"""The runner's pipeline options."""

import argparse
from dataclasses import dataclass

from apache_beam.options.pipeline_options import PipelineOptions


@dataclass(frozen=True)
class Scheduler:
    """A scheduler's address, and for `tls://` the files to connect with."""

    address: str | None
    ca: str | None = None
    certificate: str | None = None
    key: str | None = None


class DaskOptions(PipelineOptions):
    """Which cluster, and how to connect to it."""

    @classmethod
    def _add_argparse_args(cls, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--dask_scheduler", help="The scheduler, as tcp://HOST:PORT or tls://.")
        parser.add_argument("--dask_tls_ca", help="File of the certificates to trust, for tls://.")
        parser.add_argument("--dask_tls_cert", help="File of the client's certificate.")
        parser.add_argument("--dask_tls_key", help="File of the client's key.")


def scheduler_of(options: PipelineOptions) -> Scheduler:
    """Returns the scheduler that a pipeline's options name."""
    dask = options.view_as(DaskOptions)
    return Scheduler(dask.dask_scheduler, dask.dask_tls_ca, dask.dask_tls_cert, dask.dask_tls_key)
