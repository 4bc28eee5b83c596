"""What a schema allows, and which of its anomalies chance explains."""

from types import SimpleNamespace

import pytest
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import anomalies_pb2
from tensorflow_metadata.proto.v0.schema_pb2 import Feature as SchemaFeature
from tensorflow_metadata.proto.v0.schema_pb2 import Schema
from tensorflow_metadata.proto.v0.statistics_pb2 import FeatureNameStatistics as Feature

from beltline.serving.monitoring.schema_limits import (
    distance_limit,
    domain,
    is_by_chance,
    measured_as,
)

KIND = anomalies_pb2.AnomalyInfo
MISSING = KIND.FEATURE_TYPE_LOW_FRACTION_PRESENT
UNEXPECTED = KIND.ENUM_TYPE_UNEXPECTED_STRING_VALUES
SHARE = 0.001


def in_schema(text):
    return text_format.Parse(text, SchemaFeature())


def texts(missing=0, **counted):
    """Statistics of a column of texts."""
    feature = Feature(type=Feature.STRING)
    feature.string_stats.common_stats.num_non_missing = sum(counted.values())
    feature.string_stats.common_stats.num_missing = missing
    feature.string_stats.unique = len(counted)
    for value, count in counted.items():
        feature.string_stats.rank_histogram.buckets.add(label=value, sample_count=count)
    return feature


def by_chance(kind, feature, live, reference):
    reason = SimpleNamespace(type=kind)
    return is_by_chance(reason, Schema(), in_schema(feature), reference, live, SHARE)


@pytest.mark.parametrize("which", ["skew_comparator", "drift_comparator"])
@pytest.mark.parametrize("distance", ["infinity_norm", "jensen_shannon_divergence"])
def test_a_comparator_goes_before_the_settings(which, distance):
    feature = in_schema(f"{which} {{ {distance} {{ threshold: 0.25 }} }}")
    other = {"skew_comparator", "drift_comparator"} - {which}
    assert distance_limit(feature, which, 0.1) == 0.25
    assert distance_limit(feature, other.pop(), 0.1) == 0.1


def test_without_a_comparator_the_settings_hold():
    assert distance_limit(None, "skew_comparator", 0.1) == 0.1
    assert distance_limit(in_schema("skew_comparator {}"), "skew_comparator", 0.1) == 0.1


def test_a_domain_is_the_features_own_or_a_named_one():
    schema = text_format.Parse(
        'string_domain { name: "mold" value: "A" value: "B" } '
        'string_domain { name: "x" value: "C" }',
        Schema(),
    )
    assert set(domain(schema, in_schema('domain: "mold"'))) == {"A", "B"}
    assert set(domain(schema, in_schema('string_domain { value: "D" }'))) == {"D"}
    assert set(domain(schema, in_schema('name: "mold"'))) == set()
    assert set(domain(schema, None)) == set()


def test_two_kinds_of_anomalies_have_a_measure_too():
    measures = [measured_as(SimpleNamespace(type=kind)) for kind in (MISSING, UNEXPECTED)]
    assert measures == ["missing", "new"]
    assert measured_as(SimpleNamespace(type=KIND.INT_TYPE_BIG_INT)) is None


@pytest.mark.parametrize(("missing", "chance"), [(18, True), (60, False)])
def test_few_rows_do_not_prove_that_too_many_are_missing(missing, chance):
    # 5 % are allowed: of 300 rows 15, and by chance up to 29.
    live, reference = texts(missing, A=300 - missing), texts(A=4000)
    allowed = "presence { min_fraction: 0.95 }"
    assert by_chance(MISSING, allowed, live, reference) is chance


@pytest.mark.parametrize(("new", "chance"), [(36, True), (90, False)])
def test_few_rows_do_not_prove_that_too_many_are_new(new, chance):
    live, reference = texts(A=300 - new, B=new), texts(A=4000)
    allowed = 'string_domain { value: "A" } distribution_constraints { min_domain_mass: 0.9 }'
    assert by_chance(UNEXPECTED, allowed, live, reference) is chance


def test_the_limit_is_the_binomials_for_the_share_that_is_allowed():
    from scipy import stats

    reference = texts(A=3900, missing=100)
    limit = int(stats.binom.isf(SHARE, 300, (200 + 1) / (4000 + 1)))
    allowed = "presence { min_fraction: 0.95 }"
    assert by_chance(MISSING, allowed, texts(limit, A=300 - limit), reference)
    assert not by_chance(MISSING, allowed, texts(limit + 1, A=299 - limit), reference)


def test_no_other_anomaly_is_by_chance():
    assert not by_chance(KIND.INT_TYPE_BIG_INT, "", texts(A=300), texts(A=4000))
