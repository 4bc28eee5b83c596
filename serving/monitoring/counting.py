"""TFDV's statistics of rows in memory, with numbers counted in the buckets of a reference.

TFDV lays the histograms of two samples over each other as if values were spread evenly within a
bucket. On ten buckets between each sample's own least and greatest value that makes 0.01 to 0.06
of Jensen-Shannon divergence out of nothing, for 500 as for 10,000 rows. So the live values are
counted in the reference's own deciles before TFDV measures; what is left then is the noise of
sampling, which `chance.py` knows. (TFDV's deciles are exact: from its buckets with the same upper
border added up, to 0.0002 of the rows, however often a value repeats.)
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import tfx  # noqa: F401  # puts a stand-in for what tensorflow_data_validation misses in tfx_bsl
from tensorflow_data_validation import StatsOptions
from tensorflow_data_validation.statistics import stats_impl
from tensorflow_metadata.proto.v0.statistics_pb2 import CommonStatistics, Histogram
from tensorflow_metadata.proto.v0.statistics_pb2 import DatasetFeatureStatistics as Dataset
from tensorflow_metadata.proto.v0.statistics_pb2 import FeatureNameStatistics as Feature

from beltline.serving.monitoring.reference import feature_name

Numbers = np.ndarray[tuple[int], np.dtype[np.float64]]

# All values of a category, where TFDV would list a thousand.
_MOST_VALUES = 100_000


def statistics_of(table: pa.Table) -> Dataset:
    """Returns the statistics of columns of lists."""
    options = StatsOptions(num_rank_histogram_buckets=_MOST_VALUES)
    [batch] = table.to_batches() or [pa.RecordBatch.from_pylist([], table.schema)]
    return stats_impl.generate_statistics_in_memory(batch, options).datasets[0]


def by_name(statistics: Dataset) -> dict[str, Feature]:
    """Returns the features of statistics by name."""
    return {feature_name(feature): feature for feature in statistics.features}


def numbers(table: pa.Table, name: str) -> Numbers:
    """Returns a column's values, without what is missing."""
    found = table.column(name).combine_chunks().flatten()
    return np.asarray(found.to_numpy(zero_copy_only=False), np.float64)


def is_number(feature: Feature) -> bool:
    """Whether a column has numbers, not texts."""
    return bool(feature.WhichOneof("stats") == "num_stats")


def values(feature: Feature) -> int:
    """Returns how many rows have a value."""
    return int(_common(feature).num_non_missing)


def missing(feature: Feature) -> int:
    """Returns how many rows have none."""
    return int(_common(feature).num_missing)


def _common(feature: Feature) -> CommonStatistics:
    kind = feature.WhichOneof("stats")
    return getattr(feature, kind).common_stats if kind else CommonStatistics()


@dataclass(frozen=True)
class Deciles:
    """A number's values in buckets of about a tenth each: `rows[i]` are up to `borders[i]`.

    Fewer than ten, and larger ones, where a value is that frequent.
    """

    least: float
    borders: Numbers
    rows: Numbers

    def counts(self, found: Numbers) -> Numbers:
        """Returns how many values are in each bucket; what is beyond belongs to the outer ones."""
        places = np.searchsorted(self.borders[:-1], found, "left")
        return np.bincount(places, minlength=len(self.borders)).astype(np.float64)


def deciles(feature: Feature) -> Deciles | None:
    """Returns the buckets of a number's statistics; None where it has no values."""
    histograms = [each for each in feature.num_stats.histograms if each.type == Histogram.QUANTILES]
    buckets = [bucket for histogram in histograms[:1] for bucket in histogram.buckets]
    if not buckets:
        return None
    rows: dict[float, float] = {}
    for bucket in buckets:
        rows[bucket.high_value] = rows.get(bucket.high_value, 0.0) + bucket.sample_count
    return Deciles(buckets[0].low_value, np.array([*rows]), np.array([*rows.values()]))


def in_buckets(feature: Feature, rows: Numbers) -> Feature:
    """Returns a number's statistics with so many rows in each of some buckets."""
    counted = Feature()
    counted.CopyFrom(feature)
    del counted.num_stats.histograms[:]
    histogram = counted.num_stats.histograms.add(type=Histogram.QUANTILES)
    for place, count in enumerate(rows):
        # What the borders are makes no difference as long as both sides have the same; TFDV takes
        # buckets for one that begin and end at the same value.
        histogram.buckets.add(low_value=place, high_value=place + 1, sample_count=count)
    return counted
