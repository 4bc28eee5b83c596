"""The runner's pipeline options."""

import argparse

from apache_beam.options.pipeline_options import PipelineOptions


class DaskOptions(PipelineOptions):  # type: ignore[misc] # Beam has no types
    """Which cluster, and how to connect to it."""

    @classmethod
    def _add_argparse_args(cls, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--dask_scheduler", help="The scheduler, as tcp://HOST:PORT or tls://.")
        parser.add_argument("--dask_tls_ca", help="File of the certificates to trust, for tls://.")
        parser.add_argument("--dask_tls_cert", help="File of the client's certificate.")
        parser.add_argument("--dask_tls_key", help="File of the client's key.")
