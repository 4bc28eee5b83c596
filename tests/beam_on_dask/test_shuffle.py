"""Dealing out: each element once, one key in one place, and the same whatever the order."""

import random
from itertools import chain

import pytest


@pytest.fixture(scope="module")
def stage():
    """A stage that deals numbers out, and pairs by key; with its coders."""
    import apache_beam as beam
    from apache_beam.options.pipeline_options import PipelineOptions

    from beltline.beam_on_dask.coders import Coders
    from beltline.beam_on_dask.runner import _stages

    pipeline = beam.Pipeline(runner="apache_beam.runners.portability.fn_api_runner.FnApiRunner")
    made = pipeline | beam.Create([1])
    _ = made | beam.Reshuffle() | beam.Map(str)
    pairs = made | "Pairs" >> beam.Map(lambda x: (str(x), x))
    _ = pairs | beam.GroupByKey() | "Out" >> beam.Map(str)
    stages = _stages(pipeline, PipelineOptions([]))
    [found] = [each for each in stages if len(each.outputs) == 2]
    return found, Coders(found)


def _output(stage, kind):
    return next(each for each in stage.outputs.values() if each.kind == kind)


def _encoded(coder, values):
    from apache_beam.transforms.window import GlobalWindows

    return b"".join(coder.encode_nested(GlobalWindows.windowed_value(each)) for each in values)


def _dealt(stage, kind, values, number=4, first=0):
    from beltline.beam_on_dask.shuffle import Buckets

    found, coders = stage
    output = _output(found, kind)
    coder = coders._context.coders[output.coding.written].get_impl()
    buckets = Buckets(output, coders, number)
    for value in values:
        buckets.write(_encoded(coder, [value]))
    return [
        [each.value for each in coder.decode_all(b"".join(bucket))]
        for bucket in buckets.finish(first)
    ]


def test_elements_are_dealt_out_evenly_whatever_their_order(stage):
    values = list(range(18))
    found = _dealt(stage, "reshuffle", values)
    assert sorted(chain(*found)) == values
    assert sorted(map(len, found)) == [4, 4, 5, 5]
    shuffled = random.Random(1).sample(values, len(values))  # noqa: S311 - an order
    assert _dealt(stage, "reshuffle", shuffled) == found


def test_another_bundle_begins_with_another_bucket(stage):
    assert [len(each) for each in _dealt(stage, "reshuffle", [1])] == [1, 0, 0, 0]
    assert [len(each) for each in _dealt(stage, "reshuffle", [1], first=2)] == [0, 0, 1, 0]


def test_a_key_is_in_one_bucket(stage):
    values = [(f"k{number % 9}", number) for number in range(90)]
    found = _dealt(stage, "group", values)
    assert sorted(chain(*found)) == sorted(values)
    keys = [{key for key, _ in bucket} for bucket in found]
    assert sum(map(len, keys)) == 9
    assert sum(bool(each) for each in keys) > 1
