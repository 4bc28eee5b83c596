"""The runner of a node on Google's Dataflow.

Beam's own DataflowRunner submits the pipeline. Here is what is ours: the node's environment goes
along to the workers, which are containers of our image, and their errors come back as the
exceptions they were.
"""

import json
from typing import Any

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.dataflow import dataflow_runner
from apache_beam.runners.dataflow.internal import apiclient
from google.cloud import dataflow as dataflow_api

from beltline.base.errors import WrongInput
from beltline.base.settings.dataflow import Dataflow
from beltline.runners.beam import worker
from beltline.runners.beam.arguments import dataflow_arguments
from beltline.runners.beam.options import NodeOptions
from beltline.runners.beam.raised import as_raised


class DataflowRunner(dataflow_runner.DataflowRunner):
    """Runs a pipeline on Dataflow, and waits for its end.

    Beam's validator knows it by the name of its class.
    """

    def run_pipeline(
        self, pipeline: Any, options: PipelineOptions, pipeline_proto: Any = None
    ) -> Any:
        """Runs the pipeline.

        Raises:
          BeltlineError: what our code has raised on a worker.
          DataflowRuntimeException: what other code has raised there, or why the job failed.
        """
        options.view_as(NodeOptions).beltline_environment = json.dumps(worker.found())
        result = super().run_pipeline(pipeline, options, pipeline_proto)
        try:
            result.wait_until_finish()
        except dataflow_runner.DataflowRuntimeException as error:
            raise as_raised(str(error)) or error from None
        except BaseException:
            # Ctrl-C, or the node's time limit: it would go on, and cost.
            result.cancel()
            raise
        return result


def planned(dataflow: Dataflow) -> Any:
    """Returns the environment of a tiny job as Dataflow would be sent it; nobody is asked.

    Raises:
      WrongInput: Beam finds an option invalid.
    """
    options = PipelineOptions([*dataflow_arguments(dataflow), "--dry_run=true"])
    try:
        pipeline = beam.Pipeline(options=options)
    except ValueError as error:
        raise WrongInput(f"beam.dataflow: {' '.join(str(error).split())}") from None
    _ = pipeline | beam.Create([1]) | beam.Map(str)
    return environment(pipeline.run().job)


def environment(job: apiclient.Job) -> dataflow_api.Environment:
    """Returns what a job's request says of its workers: image, machines, network, options."""
    made = apiclient.Environment(
        [],
        job.options,
        "8",
        f"{job.google_cloud_options.staging_location}/pipeline.pb",
        proto_pipeline=job.proto_pipeline,
    )
    return made.proto
