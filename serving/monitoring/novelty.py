"""Values that no training row has: new categories, and numbers out of the training range."""

from collections.abc import Collection
from dataclasses import dataclass

from tensorflow_metadata.proto.v0.statistics_pb2 import FeatureNameStatistics as Feature

from beltline.serving.monitoring import chance
from beltline.serving.monitoring.counting import Numbers, is_number, values

_MOST_NAMED = 5


@dataclass(frozen=True)
class Novelty:
    """How many of a column's live values are new.

    `seen_once` of the reference's values occur once, which estimates the usual share of new ones.
    """

    new: int
    rows: int
    seen_once: int
    reference_rows: int
    examples: list[str]

    @property
    def share(self) -> float:
        """The share of the live values that are new."""
        return self.new / self.rows

    def by_chance(self, share: float) -> float:
        """Returns the share of new values that chance exceeds with probability `share`."""
        return chance.rare_share(self.rows, self.seen_once, self.reference_rows, share)


def novelty(
    reference: Feature, live: Feature, numbers: Numbers, domain: Collection[str]
) -> Novelty | None:
    """Returns a column's new values; None where they can't be determined.

    That is where either has no values, or the statistics don't have all of the reference's.

    Args:
      reference: statistics of the training rows.
      live: of the live ones.
      numbers: the live values of a number, without what is missing.
      domain: further values that the schema allows.
    """
    rows, reference_rows = values(live), values(reference)
    if not rows or not reference_rows:
        return None
    if is_number(reference):
        least, greatest = reference.num_stats.min, reference.num_stats.max
        beyond = numbers[(numbers < least) | (numbers > greatest)]
        examples = [f"{value:.6g}" for value in sorted({*map(float, beyond)})]
        return Novelty(len(beyond), rows, 2, reference_rows, _ends(examples))
    known = frequencies(reference)
    if len(known) < reference.string_stats.unique:
        return None
    new = {
        value: count
        for value, count in frequencies(live).items()
        if value not in known and value not in domain
    }
    once = sum(count <= 1 for count in known.values())
    named = sorted(new, key=lambda value: -new[value])
    named[_MOST_NAMED:] = ["…"] if len(named) > _MOST_NAMED else []
    return Novelty(round(sum(new.values())), rows, once, reference_rows, named)


def frequencies(feature: Feature) -> dict[str, float]:
    """Returns how often each value of a text is there, the most frequent first."""
    return {each.label: each.sample_count for each in feature.string_stats.rank_histogram.buckets}


def _ends(examples: list[str]) -> list[str]:
    few = len(examples) <= _MOST_NAMED
    return examples if few else [*examples[:2], "…", *examples[-2:]]
