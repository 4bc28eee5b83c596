"""Beam's features on two workers: the same answers as Beam's own runner for one process."""

import os
import time

import apache_beam as beam
import pytest
from apache_beam.metrics import Metrics, MetricsFilter
from apache_beam.options.pipeline_options import PipelineOptions
from distributed import Client

from beltline.beam_on_dask import runner
from tests.beam_on_dask import pipelines
from tests.beam_on_dask.dask_processes import Cluster
from tests.certificates import certificates

pytestmark = pytest.mark.slow

DIRECT = ["--runner=apache_beam.runners.portability.fn_api_runner.FnApiRunner"]
_DASK = "--runner=beltline.beam_on_dask.runner.DaskRunner"


class DataFault(Exception):
    """An error of one's own, with a field."""

    def __init__(self, line):
        super().__init__(f"line {line} is wrong")


def on(scheduler):
    return [_DASK, f"--dask_scheduler={scheduler}"]


def answers(build, arguments, folder):
    """The lines of a sink, sorted, and how many files there are."""
    folder.mkdir()
    with beam.Pipeline(options=PipelineOptions(arguments)) as pipeline:
        lines = build(pipeline) | "Text" >> beam.Map(repr)
        _ = lines | beam.io.WriteToText(str(folder / "out"), num_shards=2)
    assert len(list(folder.iterdir())) == 2
    return sorted(
        line for file in folder.iterdir() for line in file.read_text("utf-8").splitlines()
    )


@pytest.mark.parametrize("build", pipelines.ALL, ids=lambda build: build.__name__)
def test_same_as_one_process(build, scheduler, tmp_path):
    expected = answers(build, DIRECT, tmp_path / "direct")
    assert answers(build, on(scheduler), tmp_path / "dask") == expected


def test_files_are_read_in_pieces_and_the_sink_is_whole(scheduler, tmp_path):
    lines = [f"line {number} {'x' * 90}" for number in range(50_000)]
    source = tmp_path / "in"
    source.write_text("\n".join(lines))

    def build(pipeline):
        return pipeline | beam.io.ReadFromText(str(source)) | beam.ParDo(pipelines.Bundles())

    found = answers(build, on(scheduler), tmp_path / "out")
    pairs = [eval(line) for line in found]  # noqa: S307 - our own lines
    assert sorted(line for line, _ in pairs) == sorted(lines)
    assert len({bundle for _, bundle in pairs}) > 1, "read as one piece"


def _expected(dask_scheduler):
    return set(dask_scheduler.task_prefixes)


def test_what_dask_expects_a_task_to_take_is_of_its_kind_alone(scheduler):
    """It plans by the average of a name, and 40 handed on buckets take no time."""
    with beam.Pipeline(options=PipelineOptions(on(scheduler))) as pipeline:
        _ = pipelines.numbers(pipeline) | beam.Reshuffle() | "Step-40-of" >> beam.Map(str)
    with Client(scheduler, set_as_default=False) as client:
        names = [name for name in client.run_on_scheduler(_expected) if "Step" in name]
    kinds = {name.partition("-")[2] for name in names}
    assert kinds == {"stage", "bundle", "receipt", "verified"}


def test_metrics(scheduler):
    def count(element):
        Metrics.counter("test", "elements").inc()
        Metrics.distribution("test", "values").update(element)
        return element

    pipeline = beam.Pipeline(options=PipelineOptions(on(scheduler)))
    _ = pipelines.numbers(pipeline) | beam.Map(count)
    result = pipeline.run()
    found = result.metrics().query(MetricsFilter().with_namespace("test"))
    assert [each.committed for each in found["counters"]] == [40]
    values = found["distributions"][0].committed
    assert (values.count, values.sum, values.min, values.max) == (40, 780, 0, 39)


def test_an_error_comes_back_as_it_was_raised(scheduler):
    def fail_on_the_worker(element):
        raise DataFault(element)

    with (
        pytest.raises(DataFault, match="line 17 is wrong") as caught,
        beam.Pipeline(options=PipelineOptions(on(scheduler))) as pipeline,
    ):
        _ = pipeline | beam.Create([17]) | "Step" >> beam.Map(fail_on_the_worker)
    names = [entry.name for entry in caught.traceback]
    assert "fail_on_the_worker" in names
    assert "while running 'Step'" in str(caught.value)


class Noted(beam.DoFn):
    """Leaves a file when it is set up, and another when it is torn down."""

    def __init__(self, folder):
        self.folder = folder

    def setup(self):
        self.file = self.folder / f"{id(self)}-{os.getpid()}"
        self.file.touch()

    def process(self, element):
        yield element

    def teardown(self):
        self.file.with_suffix(".down").touch()


def _noted(folder):
    begun = {file.name for file in folder.iterdir() if not file.suffix}
    return begun, {file.stem for file in folder.glob("*.down")}


def test_dofns_are_torn_down(scheduler, tmp_path):
    with beam.Pipeline(options=PipelineOptions(on(scheduler))) as pipeline:
        _ = pipelines.numbers(pipeline) | beam.ParDo(Noted(tmp_path))
    begun, ended = _noted(tmp_path)
    assert begun == ended
    assert 1 <= len(begun) <= 2, "set up for each bundle"


def test_dofns_are_torn_down_after_an_error_elsewhere(scheduler, tmp_path):
    def fail(element):
        raise DataFault(element)

    with (
        pytest.raises(DataFault),
        beam.Pipeline(options=PipelineOptions(on(scheduler))) as pipeline,
    ):
        noted = pipelines.numbers(pipeline) | beam.ParDo(Noted(tmp_path))
        _ = noted | beam.Reshuffle() | beam.Map(fail)
    end = time.monotonic() + 20
    while len(set(map(len, _noted(tmp_path)))) > 1:
        assert time.monotonic() < end, "not torn down"
        time.sleep(0.1)
    assert _noted(tmp_path)[0]


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("tcp://127.0.0.1:9", "no Dask scheduler answers at tcp://127.0.0.1:9: start the cluster"),
        ("", "--dask_scheduler: names no scheduler"),
    ],
)
def test_no_scheduler(address, message):
    with (
        pytest.raises(runner.ClusterLost, match=message),
        beam.Pipeline(options=PipelineOptions(on(address))) as pipeline,
    ):
        _ = pipeline | beam.Create([1])


def test_a_cluster_with_certificates(tmp_path):
    made = certificates(tmp_path)
    cluster = Cluster(tmp_path, workers=1, certificates=made)
    names = {"ca": "ca.pem", "cert": "server.pem", "key": "server.key"}
    files = [f"--dask_tls_{option}={made / name}" for option, name in names.items()]
    try:
        assert cluster.address.startswith("tls://")
        arguments = [*on(cluster.address), *files]
        assert len(answers(pipelines.combine_per_key, arguments, tmp_path / "out")) == 3
        strangers = [file.replace("ca.pem", "other.pem") for file in files]
        with pytest.raises(runner.ClusterLost, match="no Dask scheduler answers at tls:"):
            answers(pipelines.chain, [*on(cluster.address), *strangers], tmp_path / "none")
    finally:
        cluster.close()
