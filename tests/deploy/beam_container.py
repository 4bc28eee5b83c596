"""A Beam pipeline whose worker is a container of IMAGE, which Beam starts with options alone."""

import os
import sys

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.testing.util import assert_that, equal_to


def signed(row: int) -> str:
    """Says which environment and user have got this row, and what the worker has imported."""
    return f"{sys.prefix} {os.getuid()} {'tfx' in sys.modules} {row}"


def main(image: str) -> None:
    """Runs the pipeline; what it asserts is asserted in the container."""
    options = PipelineOptions(
        flags=[],
        runner="PortableRunner",
        job_endpoint="embed",
        environment_type="DOCKER",
        environment_config=image,
    )
    with beam.Pipeline(options=options) as pipeline:
        rows = pipeline | beam.Create(range(100)) | beam.Reshuffle() | beam.Map(signed)
        expected = [f"/opt/beltline 1000 True {row}" for row in range(100)]
        assert_that(rows, equal_to(expected))


if __name__ == "__main__":
    main(*sys.argv[1:])
