"""What a node adds to the pipeline options of its runner."""

import argparse

from apache_beam.options.pipeline_options import PipelineOptions


class NodeOptions(PipelineOptions):
    """A node's model code and environment, and for `beltline check` how long to wait."""

    @classmethod
    def _add_argparse_args(cls, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--beltline_code", help="The bundle's model code, a zip archive.")
        parser.add_argument("--beltline_environment", help="The node's, for workers in containers.")
        parser.add_argument("--beltline_seconds", type=int, help="How long the job may take.")
