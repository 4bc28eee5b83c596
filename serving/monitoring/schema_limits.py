"""The limits in a schema: comparators, domains, and anomalies that are worth an alarm."""

import math
from collections.abc import Collection
from typing import Any

from tensorflow_metadata.proto.v0 import anomalies_pb2, schema_pb2
from tensorflow_metadata.proto.v0.statistics_pb2 import FeatureNameStatistics as Feature

from beltline.serving.monitoring import chance
from beltline.serving.monitoring.counting import missing, values
from beltline.serving.monitoring.novelty import frequencies

# Anomalies of a share that has a measure too.
_MISSING = anomalies_pb2.AnomalyInfo.FEATURE_TYPE_LOW_FRACTION_PRESENT
_UNEXPECTED = anomalies_pb2.AnomalyInfo.ENUM_TYPE_UNEXPECTED_STRING_VALUES


def distance_limit(feature: schema_pb2.Feature | None, which: str, otherwise: float) -> float:
    """Returns the threshold of a feature's comparator, where it has one.

    `which` is skew_comparator or drift_comparator; `otherwise` is the settings' limit.
    """
    if feature is not None and feature.HasField(which):
        comparator = getattr(feature, which)
        for distance in ("infinity_norm", "jensen_shannon_divergence"):
            if comparator.HasField(distance):
                return float(getattr(comparator, distance).threshold)
    return otherwise


def domain(schema: schema_pb2.Schema, feature: schema_pb2.Feature | None) -> Collection[str]:
    """Returns the values that a schema names for a feature."""
    if feature is None:
        return ()
    if feature.HasField("string_domain"):
        return set(feature.string_domain.value)
    named = (each for each in schema.string_domain if each.name == feature.domain)
    return {value for found in named for value in found.value}


def measured_as(reason: Any) -> str | None:
    """Returns the measure that covers an AnomalyInfo.Reason, if there is one."""
    return {_MISSING: "missing", _UNEXPECTED: "new"}.get(reason.type)


def is_by_chance(
    reason: Any,
    schema: schema_pb2.Schema,
    feature: schema_pb2.Feature,
    reference: Feature,
    live: Feature,
    share: float,
) -> bool:
    """Whether an anomaly is one of shares, and the rows too few to say that it is more than chance.

    TFDV compares a share with the schema's, whatever the number of rows. `reason` is an
    AnomalyInfo.Reason; `share` is how often chance may exceed what is allowed.
    """
    found: float
    rows = values(live) + missing(live)
    if reason.type == _MISSING:
        found, allowed = missing(live), 1 - feature.presence.min_fraction
    elif reason.type == _UNEXPECTED:
        known = domain(schema, feature)
        found = sum(count for value, count in frequencies(live).items() if value not in known)
        allowed = 1 - feature.distribution_constraints.min_domain_mass
    else:
        return False
    trained = values(reference) + missing(reference)
    most = chance.rare_share(rows, math.ceil(allowed * trained), trained, share)
    return found / rows <= most
