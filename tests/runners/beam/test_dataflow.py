"""A node's pipeline as Dataflow would be sent it: made by Beam's own runner; nobody is asked."""

import json
from pathlib import Path
from typing import Any

import pytest

from beltline.base.errors import WrongInput
from beltline.base.settings.beam import Beam
from beltline.runners.beam.arguments import arguments

pytestmark = pytest.mark.slow

IMAGE = "europe-docker.pkg.dev/foundry/ml/beltline:0.1.0"
DATAFLOW = {
    "project": "foundry",
    "region": "europe-west3",
    "temp_location": "gs://foundry-temp/beltline",
    "image": IMAGE,
    "machine_type": "n2-standard-4",
    "workers": 3,
    "max_workers": 9,
    "disk_gb": 50,
    "service_account": "beltline@foundry.iam.gserviceaccount.com",
    "subnetwork": "regions/europe-west3/subnetworks/parts",
    "public_addresses": False,
}


def section(**values: Any) -> Beam:
    chosen = {"runner": "dataflow", "dataflow": DATAFLOW | values}
    return Beam.model_validate(chosen)


@pytest.fixture(scope="module")
def job(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The job of StatisticsGen, compiled on the output of an ExampleGen."""
    import apache_beam as beam
    from tfx.dsl.components.base import base_beam_executor
    from tfx.types import standard_artifacts

    from beltline.bundle import code
    from beltline.pipeline.components.statistics_gen import Executor
    from tests.pipeline.components.generated import generate

    folder = tmp_path_factory.mktemp("dataflow")
    (folder / "rows.csv").write_text("number,temp,mold,y\n" + "1,2.5,a,b\n" * 40)
    (folder / "code.zip").write_bytes(code.archive({"mine.py": b"WORD = 'bundle'\n"}))
    examples = generate(folder / "made", folder / "rows.csv")
    statistics = standard_artifacts.ExampleStatistics()
    statistics.uri = str(folder / "statistics")
    own = arguments(section(), "StatisticsGen", folder / "code.zip", "gs://foundry/root")
    assert own
    made = []

    def pipeline() -> Any:
        made.append(beam.Pipeline(argv=[*own, "--dry_run=true"]))
        return made[0]

    context = base_beam_executor.BaseBeamExecutor.Context(
        make_beam_pipeline_fn=pipeline, tmp_dir=str(folder / "tmp"), unique_id="1"
    )
    Executor(context).Do({"examples": [examples]}, {"statistics": [statistics]}, {})
    return made[0].runner.job


def test_workers_are_containers_of_the_image(job: Any) -> None:
    from beltline.runners.beam.dataflow import environment

    [pool] = environment(job).worker_pools
    [container] = pool.sdk_harness_container_images
    assert (pool.worker_harness_container_image, container.container_image) == (IMAGE, IMAGE)
    # The container starts a worker for each core.
    assert "beam:protocol:sibling_workers:v1" in container.capabilities
    assert (pool.num_workers, pool.autoscaling_settings.max_num_workers) == (3, 9)
    assert (pool.machine_type, pool.disk_size_gb) == ("n2-standard-4", 50)
    assert pool.subnetwork == "regions/europe-west3/subnetworks/parts"
    assert pool.ip_configuration.name == "WORKER_IP_PRIVATE"
    assert not pool.packages


def test_the_environment_of_the_node_goes_along(job: Any) -> None:
    from beltline.runners.beam import worker
    from beltline.runners.beam.dataflow import environment

    found = environment(job)
    assert found.service_account_email == DATAFLOW["service_account"]
    assert found.temp_storage_prefix.startswith("storage.googleapis.com/foundry-temp/beltline/")
    told = dict(found.sdk_pipeline_options)["options"]
    assert json.loads(told["beltline_environment"]) == worker.found()
    assert Path(told["beltline_code"]).name == "code.zip"


def test_the_code_is_staged_and_nothing_is_installed(job: Any) -> None:
    from beltline.beam_on_dask.internals import beam_runner_api_pb2

    role = beam_runner_api_pb2.ArtifactStagingToRolePayload
    environments = job.proto_pipeline.components.environments.values()
    staged = {
        role.FromString(each.role_payload).staged_name
        for environment in environments
        for each in environment.dependencies
    }
    # The second is a note for the log, which is not installed.
    assert staged - {"submission_environment_dependencies.txt"} == {"code.zip"}
    assert {environment.urn for environment in environments} == {"beam:env:docker:v1"}


def test_the_whole_graph_is_in_the_job(job: Any) -> None:
    names = {each.unique_name for each in job.proto_pipeline.components.transforms.values()}
    for split in ("train", "validation", "eval"):
        assert any(f"Statistics[{split}]" in name for name in names)
        assert any(f"Write[{split}]" in name for name in names)


def test_what_beam_finds_invalid_is_wrong_input() -> None:
    from beltline.runners.beam.dataflow import planned

    assert planned(section().dataflow).worker_pools
    # All digits are a project's number.
    wrong = section().dataflow.model_copy(update={"project": "123456"})
    with pytest.raises(WrongInput, match=r"beam\.dataflow: .*[Pp]roject"):
        planned(wrong)


def test_a_job_is_cancelled_with_its_node(monkeypatch: pytest.MonkeyPatch) -> None:
    """Google's part alone is replaced: what submits the job, and waits."""
    from apache_beam.options.pipeline_options import PipelineOptions
    from apache_beam.runners.dataflow import dataflow_runner

    from beltline.runners.beam.dataflow import DataflowRunner

    cancelled = []

    class Job:
        def wait_until_finish(self) -> None:
            raise KeyboardInterrupt

        def cancel(self) -> None:
            cancelled.append(self)

    job = Job()
    monkeypatch.setattr(dataflow_runner.DataflowRunner, "run_pipeline", lambda *_arguments: job)
    with pytest.raises(KeyboardInterrupt):
        DataflowRunner().run_pipeline(None, PipelineOptions([]))
    assert cancelled == [job]
