"""Pipelines whose answers the runners are compared by; each returns one PCollection."""

import uuid

import apache_beam as beam
from apache_beam.io import iobase
from apache_beam.io.range_trackers import OffsetRangeTracker
from apache_beam.transforms import combiners, window
from apache_beam.transforms.window import TimestampedValue

WORDS = ["ä", "b", "c", "b", "ä", "d", "ä", ""]


def numbers(pipeline, reshuffle=True):
    return pipeline | beam.Create(range(40), reshuffle=reshuffle)


class LifeCycle(beam.DoFn):
    def setup(self):
        self.is_set_up = True

    def start_bundle(self):
        self.seen = []

    def process(self, element):
        assert self.is_set_up
        self.seen.append(element)
        if element % 2:
            yield element

    def finish_bundle(self):
        for each in self.seen:
            yield window.GlobalWindows.windowed_value(-each)


class Bundles(beam.DoFn):
    """Elements, each with a name of the bundle that it came in."""

    def start_bundle(self):
        self.name = uuid.uuid4().hex

    def process(self, element):
        yield element, self.name


class Numbers(iobase.BoundedSource):
    """The numbers below one; pieces of 10, whatever size is asked for."""

    def __init__(self, count):
        self.count = count

    def estimate_size(self):
        return self.count

    def get_range_tracker(self, start, stop):
        return OffsetRangeTracker(start or 0, self.count if stop is None else stop)

    def read(self, tracker):
        number = tracker.start_position()
        while tracker.try_claim(number):
            yield number
            number += 1

    def split(self, size, start=None, stop=None):
        for begin in range(0, self.count, 10):
            yield iobase.SourceBundle(10, self, begin, min(begin + 10, self.count))


class Weekdays(window.NonMergingWindowFn):
    """A window function that Beam does not know."""

    def assign(self, context):
        start = int(context.timestamp) // 7 * 7
        return [window.IntervalWindow(start, start + 7)]

    def get_window_coder(self):
        return beam.coders.coders.IntervalWindowCoder()


def _stamped(pipeline):
    return (
        pipeline
        | beam.Create([1, 2, 8, 9, 11, 30, 31, 33], reshuffle=True)
        | beam.Map(lambda at: TimestampedValue(("k" if at % 2 else "l", at), at))
    )


def chain(pipeline):
    return numbers(pipeline) | beam.Map(lambda x: x * 3) | beam.Filter(lambda x: x % 2)


def life_cycle(pipeline):
    return numbers(pipeline) | beam.ParDo(LifeCycle())


def group_by_key(pipeline):
    pairs = numbers(pipeline) | beam.Map(lambda x: (f"k{x % 7}", x))
    return pairs | beam.GroupByKey() | beam.MapTuple(lambda k, v: (k, sorted(v)))


def combine_per_key(pipeline):
    pairs = numbers(pipeline) | beam.Map(lambda x: (x % 3, x))
    return pairs | combiners.Mean.PerKey()


def combine_globally(pipeline):
    return numbers(pipeline) | beam.CombineGlobally(sum)


def combine_of_nothing(pipeline):
    return numbers(pipeline) | beam.Filter(lambda _: False) | beam.CombineGlobally(sum)


def packed_combiners(pipeline):
    source = numbers(pipeline)
    found = {"low": source | "Low" >> combiners.Top.Smallest(2)}
    found["high"] = source | "High" >> combiners.Top.Largest(2)
    found["count"] = source | "Count" >> combiners.Count.Globally()
    return list(found.values()) | beam.Flatten() | beam.Map(str)


def distinct(pipeline):
    return pipeline | beam.Create(WORDS, reshuffle=True) | beam.Distinct()


def co_group(pipeline):
    pairs = numbers(pipeline) | beam.Map(lambda x: (x % 3, x))
    other = pipeline | "Other" >> beam.Create([(0, "a"), (2, "b"), (5, "c")])
    joined = {"n": pairs, "o": other} | beam.CoGroupByKey()
    return joined | beam.MapTuple(lambda k, v: (k, sorted(v["n"]), sorted(v["o"])))


def _sided(pipeline, kind, read, values):
    side = pipeline | "Side" >> beam.Create(values, reshuffle=True)
    return numbers(pipeline) | beam.Map(lambda x, s: (x, read(x, s)), kind(side))


def side_singleton(pipeline):
    return _sided(pipeline, beam.pvalue.AsSingleton, lambda _, side: side, [17])


def side_iter(pipeline):
    return _sided(pipeline, beam.pvalue.AsIter, lambda _, side: sum(side), range(100))


def side_list(pipeline):
    return _sided(pipeline, beam.pvalue.AsList, lambda _, side: sorted(side), [3, 1, 2])


def side_dict(pipeline):
    values = [(each, f"v{each}") for each in range(40)]
    return _sided(pipeline, beam.pvalue.AsDict, lambda x, side: side[x], values)


def side_multimap(pipeline):
    values = [(each % 4, each) for each in range(20)]
    return _sided(
        pipeline, beam.pvalue.AsMultiMap, lambda x, side: sorted(side[x]) if x < 4 else 0, values
    )


def side_of_nothing(pipeline):
    return _sided(pipeline, beam.pvalue.AsList, lambda _, side: list(side), [])


def side_of_what_was_flattened_grouped_and_dealt_out(pipeline):
    source = numbers(pipeline)
    more = pipeline | "More" >> beam.Create([100, 200])
    flat = (source, more) | beam.Flatten()
    grouped = flat | beam.Map(lambda x: (x % 2, x)) | beam.GroupByKey()
    sums = grouped | "Sums" >> beam.MapTuple(lambda k, v: (k, sum(v)))
    dealt = more | beam.Reshuffle()
    return source | beam.Map(
        lambda x, every, by_key, few: (x, sum(every), by_key[x % 2], sorted(few)),
        beam.pvalue.AsIter(flat),
        beam.pvalue.AsDict(sums),
        beam.pvalue.AsList(dealt),
    )


class Ended(beam.PTransform):
    """Ends a pipeline, as sinks do."""

    def expand(self, pcoll):
        _ = pcoll | beam.Map(str)
        return beam.pvalue.PDone(pcoll.pipeline)


def what_ends_a_pipeline(pipeline):
    source = numbers(pipeline)
    _ = source | Ended()
    return source


def side_by_window(pipeline):
    stamped = _stamped(pipeline) | beam.WindowInto(window.FixedWindows(10))
    side = stamped | beam.Values() | beam.CombineGlobally(sum).without_defaults()
    return stamped | beam.Map(lambda pair, s: (*pair, list(s)), beam.pvalue.AsIter(side))


def tagged_outputs(pipeline):
    def split(number):
        yield number
        yield beam.pvalue.TaggedOutput("odd" if number % 2 else "even", number)

    found = numbers(pipeline) | beam.FlatMap(split).with_outputs("odd", "even", main="all")
    odd = found.odd | beam.Map(lambda x: f"odd {x}")
    even = found.even | "Even" >> beam.Map(lambda x: f"even {x}")
    return (odd, even, found["all"] | "All" >> beam.Map(str)) | beam.Flatten()


def _windowed(pipeline, function):
    grouped = _stamped(pipeline) | beam.WindowInto(function) | beam.GroupByKey()
    return grouped | beam.Map(
        lambda pair, window=beam.DoFn.WindowParam, at=beam.DoFn.TimestampParam: (
            pair[0],
            sorted(pair[1]),
            str(window),
            str(at),
        )
    )


def fixed_windows(pipeline):
    return _windowed(pipeline, window.FixedWindows(10))


def sliding_windows(pipeline):
    return _windowed(pipeline, window.SlidingWindows(10, 5))


def sessions(pipeline):
    return _windowed(pipeline, window.Sessions(4))


def own_windows(pipeline):
    return _windowed(pipeline, Weekdays())


def timestamps_after_reshuffle(pipeline):
    return (
        _stamped(pipeline)
        | beam.WindowInto(window.FixedWindows(10))
        | beam.Reshuffle()
        | beam.Map(lambda pair, at=beam.DoFn.TimestampParam: (*pair, str(at)))
    )


def reshuffle_of_other_types(pipeline):
    mixed = pipeline | beam.Create([1, "a", None, (1, 2), {"k": [1.5]}])
    return mixed | beam.Reshuffle() | beam.Map(repr)


def flatten(pipeline):
    one = numbers(pipeline)
    two = pipeline | "Two" >> beam.Create([1000])
    return (one, two, one) | beam.Flatten() | beam.Map(lambda x: x + 1)


def flatten_of_nothing(pipeline):
    return () | beam.Flatten(pipeline=pipeline) | beam.Map(str)


def branches(pipeline):
    grouped = numbers(pipeline) | beam.Map(lambda x: (x % 5, x)) | beam.GroupByKey()
    one = grouped | "Sum" >> beam.MapTuple(lambda k, v: (k, sum(v)))
    most = one | beam.Values() | beam.CombineGlobally(max)
    return (
        grouped
        | "Len" >> beam.MapTuple(lambda k, v: (k, len(list(v))))
        | beam.Map(lambda pair, m: (*pair, m), beam.pvalue.AsSingleton(most))
    )


def bounded_source(pipeline):
    return pipeline | beam.io.Read(Numbers(95))


def big_elements(pipeline):
    big = numbers(pipeline) | beam.Map(lambda x: (x % 2, bytes([x]) * 1_000_000))
    return big | beam.GroupByKey() | beam.MapTuple(lambda k, v: (k, sorted(each[0] for each in v)))


ALL = [
    chain,
    life_cycle,
    group_by_key,
    combine_per_key,
    combine_globally,
    combine_of_nothing,
    packed_combiners,
    distinct,
    co_group,
    side_singleton,
    side_iter,
    side_list,
    side_dict,
    side_multimap,
    side_of_nothing,
    side_of_what_was_flattened_grouped_and_dealt_out,
    what_ends_a_pipeline,
    side_by_window,
    tagged_outputs,
    fixed_windows,
    sliding_windows,
    sessions,
    own_windows,
    timestamps_after_reshuffle,
    reshuffle_of_other_types,
    flatten,
    flatten_of_nothing,
    branches,
    bounded_source,
    big_elements,
]
