"""Compares the columns of live rows, and the model's answers, with a reference."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
from tensorflow_metadata.proto.v0 import schema_pb2
from tensorflow_metadata.proto.v0.statistics_pb2 import DatasetFeatureStatistics as Dataset
from tensorflow_metadata.proto.v0.statistics_pb2 import FeatureNameStatistics as Feature

from beltline.base.settings.monitoring import Monitoring
from beltline.serving.monitoring import chance
from beltline.serving.monitoring.bars import bars
from beltline.serving.monitoring.counting import (
    Numbers,
    by_name,
    deciles,
    in_buckets,
    is_number,
    missing,
    numbers,
    statistics_of,
    values,
)
from beltline.serving.monitoring.distances import anomalies, distances
from beltline.serving.monitoring.novelty import Novelty, frequencies, novelty
from beltline.serving.monitoring.report import ColumnReport, Measure
from beltline.serving.monitoring.schema_limits import (
    distance_limit,
    domain,
    is_by_chance,
    measured_as,
)

_ANSWERS = "the answers to the evaluation rows"


@dataclass(frozen=True)
class ComparedRows:
    """Rows to compare; each column holds lists."""

    table: pa.Table

    @cached_property
    def statistics(self) -> Dataset:
        """TFDV's statistics of them."""
        return statistics_of(self.table)

    @cached_property
    def features(self) -> dict[str, Feature]:
        """The same by column."""
        return by_name(self.statistics)

    def numbers(self, name: str) -> Numbers:
        """Returns a column's numbers, none of a text."""
        return numbers(self.table, name) if is_number(self.features[name]) else np.empty(0)


@dataclass(frozen=True)
class Comparison:
    """Live rows beside a reference's statistics.

    `share` is how often chance may exceed the limit of a single measure. Of `times` only what is
    missing is compared: live rows have other ones than the training rows.
    """

    reference: Mapping[str, Feature]
    live: ComparedRows
    settings: Monitoring
    share: float
    times: Collection[str] = ()

    def columns(self, schema: schema_pb2.Schema, before: ComparedRows | None) -> list[ColumnReport]:
        """Returns the columns that both have, in the reference's order.

        Args:
          schema: what is allowed; it knows no column but these.
          before: the rows of the time before, or None.
        """
        features = {feature.name: feature for feature in schema.feature}
        skew = self._distances(self.reference)
        drift = self._distances(before.features) if before else {}
        odd = anomalies(self.live.statistics, schema)
        return [
            self._column(name, schema, features.get(name), skew, drift, odd.get(name, []))
            for name in self.reference
            if name in self.live.features
        ]

    def answers(self) -> list[ColumnReport]:
        """Returns the model's answers: how far from those to the evaluation rows."""
        return [
            ColumnReport(
                name=name,
                kind=_kind(self.reference[name]),
                measures={"skew": Measure(distance, self.settings.score, by_chance)},
                bars=bars(self.reference[name], self.live.features[name], self.live.numbers(name)),
                reference=_ANSWERS,
            )
            for name, (distance, by_chance) in self._distances(self.reference).items()
        ]

    def _column(
        self,
        name: str,
        schema: schema_pb2.Schema,
        feature: schema_pb2.Feature | None,
        skew: Mapping[str, tuple[float, float]],
        drift: Mapping[str, tuple[float, float]],
        odd: list[Any],
    ) -> ColumnReport:
        reference, live = self.reference[name], self.live.features[name]
        new = None
        if name not in self.times:
            new = novelty(reference, live, self.live.numbers(name), domain(schema, feature))
        measures = {}
        if name in skew:
            limit = distance_limit(feature, "skew_comparator", self.settings.skew)
            measures["skew"] = Measure(skew[name][0], limit, skew[name][1])
        if name in drift:
            limit = distance_limit(feature, "drift_comparator", self.settings.drift)
            measures["drift"] = Measure(drift[name][0], limit, drift[name][1])
        if new:
            measures["new"] = self._new(new)
        measures["missing"] = self._missing(reference, live)
        past = {name for name, measure in measures.items() if measure.is_alarm}
        return ColumnReport(
            name=name,
            kind=_kind(reference),
            measures=measures,
            bars=bars(reference, live, self.live.numbers(name)),
            new=new.examples if new else [],
            anomalies=[
                f"{reason.short_description}: {reason.description}"
                for reason in odd
                if measured_as(reason) not in past
                and not is_by_chance(reason, schema, feature, reference, live, self.share)
            ],
        )

    def _new(self, new: Novelty) -> Measure:
        return Measure(new.share, self.settings.new_values, new.by_chance(self.share))

    def _missing(self, reference: Feature, live: Feature) -> Measure:
        rows, trained = values(live) + missing(live), values(reference) + missing(reference)
        usual = missing(reference) / trained
        by_chance = chance.rare_share(rows, missing(reference), trained, self.share)
        return Measure(missing(live) / rows - usual, self.settings.missing, by_chance - usual)

    def _distances(self, reference: Mapping[str, Feature]) -> dict[str, tuple[float, float]]:
        """Returns each column's distance from a reference, and what chance alone gives."""
        both = [name for name in reference if self._comparable(name, reference[name])]
        if not both:
            return {}
        found = distances(*zip(*(self._pair(name, reference[name]) for name in both), strict=True))
        return {name: (found[name], self._by_chance(name, reference[name])) for name in both}

    def _comparable(self, name: str, reference: Feature) -> bool:
        live = self.live.features.get(name)
        if live is None or name in self.times or not values(live) or not values(reference):
            return False
        return is_number(live) == is_number(reference)

    def _pair(self, name: str, reference: Feature) -> tuple[Feature, Feature]:
        """Returns the statistics of both, a number's in the reference's buckets."""
        live, buckets = self.live.features[name], deciles(reference)
        if buckets is None:
            return reference, live
        counts = buckets.counts(self.live.numbers(name))
        return in_buckets(reference, buckets.rows), in_buckets(live, counts)

    def _by_chance(self, name: str, reference: Feature) -> float:
        live = self.live.features[name]
        buckets = deciles(reference)
        if buckets:
            count = len(buckets.borders)
            return chance.divergence(values(live), values(reference), count, self.share)
        shares = _shares_of_both(reference, live)
        return chance.largest_change(shares, values(live), values(reference), self.share)


def _shares_of_both(one: Feature, other: Feature) -> list[float]:
    """Returns how often each text is in two samples together."""
    counted, more = frequencies(one), frequencies(other)
    total = sum(counted.values()) + sum(more.values())
    return [(counted.get(value, 0) + more.get(value, 0)) / total for value in counted | more]


def _kind(feature: Feature) -> str:
    return "number" if is_number(feature) else "category"
