"""Processes killed while a pipeline runs: counts are right, or the error says what to do."""

import os
import random
import signal
import threading
import time

import apache_beam as beam
import pytest
from apache_beam.metrics import Metrics
from apache_beam.options.pipeline_options import PipelineOptions

from beltline.beam_on_dask import runner
from tests.beam_on_dask.dask_processes import Cluster

pytestmark = pytest.mark.slow
_WORDS = 4000


@pytest.fixture
def cluster(tmp_path):
    started = Cluster(tmp_path)
    yield started
    started.close()


def _options(cluster):
    arguments = ["--runner=beltline.beam_on_dask.runner.DaskRunner"]
    return PipelineOptions([*arguments, f"--dask_scheduler={cluster.address}"])


def _killing(marker, after):
    """Returns a function that kills its process when it is called so many times, but once."""
    calls = []

    def passed(element):
        Metrics.counter("test", "elements").inc()
        calls.append(1)
        time.sleep(0.001)
        if len(calls) == after and not marker.exists():
            marker.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return element

    return passed


def _by_number(number):
    return number % 50, number


def _at_random(number):
    return random.randrange(50), number  # noqa: S311 - a key


def _grouped(pipeline, key):
    """Numbers that were grouped by a key."""
    return (
        pipeline
        | beam.Create(range(_WORDS), reshuffle=True)
        | beam.Map(key)
        | beam.GroupByKey()
        | beam.FlatMap(lambda pair: pair[1])
    )


@pytest.mark.parametrize(
    ("key", "after"),
    [
        pytest.param(_by_number, 1, marks=pytest.mark.beam),
        pytest.param(_by_number, 400, marks=pytest.mark.beam),
        (_at_random, 150),
        pytest.param(_at_random, 400, marks=pytest.mark.beam),
    ],
)
def test_a_killed_worker(key, after, cluster, tmp_path):
    """Nothing is lost, nothing counted twice, also where lost elements are not made the same."""
    marker = tmp_path / "killed"
    pipeline = beam.Pipeline(options=_options(cluster))
    counted = (
        _grouped(pipeline, key) | "Again" >> beam.Reshuffle() | beam.Map(_killing(marker, after))
    )
    _ = counted | beam.Map(str) | beam.io.WriteToText(str(tmp_path / "out"))
    result = pipeline.run()
    assert marker.exists()
    assert sum(process.poll() is not None for process in cluster.workers) == 1
    lines = [int(line) for file in tmp_path.glob("out*") for line in file.read_text().splitlines()]
    assert sorted(lines) == list(range(_WORDS))
    counters = result.metrics().query()["counters"]
    assert [each.committed for each in counters] == [_WORDS]


def test_a_worker_that_is_killed_at_the_end(cluster, monkeypatch):
    """Its part of random keys would come out otherwise, but has been read."""
    consistent = runner._consistent

    def after_a_kill(*arguments):
        cluster.workers[0].kill()
        cluster.workers[0].wait()
        # The scheduler notices.
        time.sleep(2)
        return consistent(*arguments)

    def counted(element):
        Metrics.counter("test", "elements").inc()
        return element

    monkeypatch.setattr(runner, "_consistent", after_a_kill)
    pipeline = beam.Pipeline(options=_options(cluster))
    _ = _grouped(pipeline, _at_random) | beam.Map(counted)
    result = pipeline.run()
    [counter] = result.metrics().query()["counters"]
    assert counter.committed == _WORDS


def test_workers_that_die_again_and_again(tmp_path):
    def die(_):
        os.kill(os.getpid(), signal.SIGKILL)

    cluster = Cluster(tmp_path, workers=5)
    try:
        with (
            pytest.raises(runner.ClusterLost, match="workers were killed while they ran 'Die"),
            beam.Pipeline(options=_options(cluster)) as pipeline,
        ):
            _ = pipeline | beam.Create([1]) | "Die" >> beam.Map(die)
    finally:
        cluster.close()


def test_a_killed_scheduler(cluster, tmp_path):
    marker = tmp_path / "begun"

    def slow(element):
        marker.touch()
        time.sleep(2)
        return element

    def kill():
        while not marker.exists():
            time.sleep(0.05)
        cluster.scheduler.kill()

    killer = threading.Thread(target=kill)
    killer.start()
    begun = time.monotonic()
    with (
        pytest.raises(runner.ClusterLost, match=r"the connection to the Dask scheduler at tcp:"),
        beam.Pipeline(options=_options(cluster)) as pipeline,
    ):
        _ = pipeline | beam.Create(range(20), reshuffle=True) | beam.Map(slow)
    assert time.monotonic() - begun < 60
    killer.join()


def test_stopped_by_a_signal_the_cluster_takes_the_next_job(cluster):
    class Stopped(Exception):
        pass

    def stop(*_):
        raise Stopped

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, 6)
    try:
        with pytest.raises(Stopped), beam.Pipeline(options=_options(cluster)) as pipeline:
            _ = (
                pipeline
                | beam.Create(range(4000), reshuffle=True)
                | beam.Map(lambda _: time.sleep(0.02))
            )
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    begun = time.monotonic()
    with beam.Pipeline(options=_options(cluster)) as pipeline:
        _ = pipeline | beam.Create([1]) | beam.Map(str)
    # What had begun ends; what was waiting is gone.
    assert time.monotonic() - begun < 20


def test_a_scheduler_without_workers(tmp_path):
    cluster = Cluster(tmp_path, workers=0)
    try:
        with (
            pytest.raises(runner.ClusterLost, match="has no workers: start some"),
            beam.Pipeline(options=_options(cluster)) as pipeline,
        ):
            _ = pipeline | beam.Create([1])
    finally:
        cluster.close()
