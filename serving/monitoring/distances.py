"""TFDV's distances between two samples, and its anomalies."""

from collections.abc import Iterable
from typing import Any

import tfx  # noqa: F401  # puts a stand-in for what tensorflow_data_validation misses in tfx_bsl
from tensorflow_data_validation import validate_statistics
from tensorflow_metadata.proto.v0 import anomalies_pb2, schema_pb2, statistics_pb2
from tensorflow_metadata.proto.v0.statistics_pb2 import DatasetFeatureStatistics as Dataset
from tensorflow_metadata.proto.v0.statistics_pb2 import FeatureNameStatistics as Feature

from beltline.serving.monitoring.counting import missing, values
from beltline.serving.monitoring.reference import feature_name

_TYPES = {
    Feature.INT: schema_pb2.INT,
    Feature.FLOAT: schema_pb2.FLOAT,
    Feature.STRING: schema_pb2.BYTES,
}


def distances(reference: Iterable[Feature], live: Iterable[Feature]) -> dict[str, float]:
    """Returns how far apart each column is: Jensen-Shannon for numbers, L-infinity for texts.

    Both have the same columns, with values in both; the numbers' histograms have the same buckets.
    """
    reference = list(reference)
    schema = schema_pb2.Schema()
    for feature in reference:
        added = schema.feature.add(name=feature_name(feature), type=_TYPES[feature.type])
        _compare(added)
    found = validate_statistics(_list(reference), schema, serving_statistics=_list(live))
    return {
        ".".join(info.path.step): info.skew_measurements[0].value for info in found.drift_skew_info
    }


def anomalies(live: Dataset, schema: schema_pb2.Schema) -> dict[str, list[Any]]:
    """Returns the anomalies of each column by the schema, an AnomalyInfo.Reason each.

    Mere warnings are left out.
    """
    statistics = statistics_pb2.DatasetFeatureStatisticsList(datasets=[live])
    found = validate_statistics(statistics, _without_comparators(schema)).anomaly_info
    # The keys of the map put names with a space or the like into quotes.
    return {
        ".".join(info.path.step): list(info.reason)
        for info in found.values()
        if info.severity != anomalies_pb2.AnomalyInfo.WARNING
    }


def _compare(feature: schema_pb2.Feature) -> None:
    # With no distance allowed TFDV names every distance; the limits are ours.
    if feature.type == schema_pb2.BYTES:
        feature.skew_comparator.infinity_norm.threshold = 0
    else:
        divergence = feature.skew_comparator.jensen_shannon_divergence
        divergence.threshold = 0
        divergence.source.type = schema_pb2.HistogramSelection.QUANTILES


def _without_comparators(schema: schema_pb2.Schema) -> schema_pb2.Schema:
    copied = schema_pb2.Schema()
    copied.CopyFrom(schema)
    for feature in copied.feature:
        feature.ClearField("skew_comparator")
        feature.ClearField("drift_comparator")
    return copied


def _list(features: Iterable[Feature]) -> statistics_pb2.DatasetFeatureStatisticsList:
    dataset = Dataset(features=features)
    dataset.num_examples = max(map(_rows, dataset.features), default=0)
    return statistics_pb2.DatasetFeatureStatisticsList(datasets=[dataset])


def _rows(feature: Feature) -> int:
    return values(feature) + missing(feature)
