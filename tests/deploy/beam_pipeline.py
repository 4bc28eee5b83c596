"""A Beam pipeline whose workers are a pool at ADDRESS; each line in FOLDER says who wrote it."""

import os
import sys

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions


def signed(row: int) -> str:
    """Says which environment and user have got this row."""
    return f"{sys.prefix} {os.getuid()} {row}"


def main(address: str, folder: str) -> None:
    """Runs the pipeline."""
    options = PipelineOptions(
        flags=[],
        runner="PortableRunner",
        job_endpoint="embed",
        environment_type="EXTERNAL",
        environment_config=address,
        # The workers don't have this file.
        save_main_session=True,
    )
    with beam.Pipeline(options=options) as pipeline:
        rows = pipeline | beam.Create(range(100)) | beam.Reshuffle() | beam.Map(signed)
        rows | beam.io.WriteToText(f"{folder}/rows")


if __name__ == "__main__":
    main(*sys.argv[1:])
