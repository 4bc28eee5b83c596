"""What can't run is refused by name, before anything starts."""

import apache_beam as beam
import pytest
from apache_beam.io.restriction_trackers import OffsetRange, OffsetRestrictionTracker
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.transforms.periodicsequence import PeriodicImpulse
from apache_beam.transforms.userstate import BagStateSpec, TimerSpec, on_timer

from beltline.beam_on_dask.refusals import Refused

_NOBODY = ["--runner=beltline.beam_on_dask.runner.DaskRunner", "--dask_scheduler=tcp://127.0.0.1:9"]


class Stateful(beam.DoFn):
    def process(
        self, element, bag=beam.DoFn.StateParam(BagStateSpec("bag", beam.coders.BytesCoder()))
    ):
        yield element


class Timed(beam.DoFn):
    TIMER = TimerSpec("t", beam.TimeDomain.WATERMARK)

    def process(self, element, timer=beam.DoFn.TimerParam(TIMER)):
        yield element

    @on_timer(TIMER)
    def fire(self):
        yield 1


class Ranges(beam.RestrictionProvider):
    def initial_restriction(self, element):
        return OffsetRange(0, element)

    def create_tracker(self, restriction):
        return OffsetRestrictionTracker(restriction)

    def restriction_size(self, element, restriction):
        return restriction.size()


class Splittable(beam.DoFn):
    def process(self, element, tracker=beam.DoFn.RestrictionParam(Ranges())):
        yield element


def _pairs(pipeline):
    return pipeline | beam.Create([("k", b"v")])


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda p: _pairs(p) | "Mine" >> beam.ParDo(Stateful()), "'Mine.*': its DoFn is stateful"),
        (lambda p: _pairs(p) | "Mine" >> beam.ParDo(Timed()), "'Mine.*': its DoFn sets timers"),
        (
            lambda p: p | beam.Create([3]) | "Mine" >> beam.ParDo(Splittable()),
            "'Mine.*': its DoFn is splittable, and not a bounded source",
        ),
        (lambda p: p | "Mine" >> PeriodicImpulse(), "'Mine.*'"),
    ],
)
def test_refused(build, message):
    pipeline = beam.Pipeline(options=PipelineOptions(_NOBODY))
    build(pipeline)
    with pytest.raises(Refused, match=message):
        pipeline.run()
