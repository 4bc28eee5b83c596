"""The columns of a run's data: TFDV's statistics of training, evaluation and the live version.

Read as protocol buffers, so that nobody waits for TFDV and TensorFlow. Each number is TFDV's own.
"""

import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from google.protobuf.message import DecodeError
from tensorflow_metadata.proto.v0 import statistics_pb2
from tensorflow_metadata.proto.v0.statistics_pb2 import DatasetFeatureStatistics as Dataset
from tensorflow_metadata.proto.v0.statistics_pb2 import FeatureNameStatistics as Feature
from tensorflow_metadata.proto.v0.statistics_pb2 import Histogram

SPLITS = ("train", "eval")
LIVE = "live"
_FILE = "FeatureStats.pb"
_MOST_VALUES = 8
_TYPES = {
    Feature.INT: "whole number",
    Feature.FLOAT: "number",
    Feature.STRING: "text",
    Feature.BYTES: "bytes",
    Feature.STRUCT: "structure",
}


def of_splits(folder: Path) -> dict[str, Dataset]:
    """Returns the statistics in a StatisticsGen artifact by split; without those not readable."""
    files = {split: folder / f"Split-{split}" / _FILE for split in SPLITS}
    found = {split: of_file(file) for split, file in files.items()}
    return {split: each for split, each in found.items() if each is not None}


def of_file(file: Path) -> Dataset | None:
    """Returns the statistics in a file; None where it can't be read."""
    try:
        found = statistics_pb2.DatasetFeatureStatisticsList.FromString(file.read_bytes())
    except (OSError, DecodeError):
        return None
    return found.datasets[0] if found.datasets else None


def columns_of(datasets: Mapping[str, Dataset], label: str = "") -> list[dict[str, Any]]:
    """Returns each column with its statistics, the label first, then in TFDV's order.

    Args:
      datasets: statistics by where the rows are from: `train`, `eval`, `live`.
      label: the label's column.

    Returns:
      For each column `column`, `type`, `is_label`, and `of`: where the rows are from to `rows`,
      `missing` and `unique` (None for numbers, which TFDV doesn't count), with either `mean`,
      `deviation`, `least`, `median`, `greatest`, `zeros` and `buckets` (`[low, high, rows]` each),
      or `top` (`[value, rows]` each).
    """
    by_source = {source: features_of(dataset) for source, dataset in datasets.items()}
    # The live version may have read a column that these data lack; that isn't one of this run's.
    ours = [features for source, features in by_source.items() if source != LIVE]
    names = list(dict.fromkeys(name for features in ours for name in features))
    found = [_column(name, datasets, by_source, label) for name in names]
    return sorted(found, key=lambda column: not column["is_label"])


def features_of(dataset: Dataset) -> dict[str, Feature]:
    """Returns the statistics of each column by its name."""
    return {each.name or ".".join(each.path.step): each for each in dataset.features}


def _column(
    name: str,
    datasets: Mapping[str, Dataset],
    by_source: Mapping[str, Mapping[str, Feature]],
    label: str,
) -> dict[str, Any]:
    features = {source: each[name] for source, each in by_source.items() if name in each}
    first = next(iter(features.values()))
    return {
        "column": name,
        "type": _TYPES.get(first.type, "unknown"),
        "is_label": name == label,
        "of": {
            source: _statistics(feature, int(datasets[source].num_examples))
            for source, feature in features.items()
        },
    }


def _statistics(feature: Feature, rows: int) -> dict[str, Any]:
    kind = feature.WhichOneof("stats")
    if kind is None:
        return {"rows": rows, "missing": rows, "unique": None, "top": []}
    common = {"rows": rows, "missing": int(getattr(feature, kind).common_stats.num_missing)}
    if kind == "num_stats":
        return common | {"unique": None} | _of_numbers(feature.num_stats)
    texts = getattr(feature, kind)
    top = [[value.value, int(value.frequency)] for value in _top(texts)]
    return common | {"unique": int(getattr(texts, "unique", 0)), "top": top}


def _top(texts: Any) -> Iterable[Any]:
    return list(getattr(texts, "top_values", []))[:_MOST_VALUES]


def _of_numbers(numbers: statistics_pb2.NumericStatistics) -> dict[str, Any]:
    histograms = [each for each in numbers.histograms if each.type == Histogram.STANDARD]
    buckets = [each for histogram in histograms[:1] for each in histogram.buckets]
    return {
        "mean": _finite(numbers.mean),
        "deviation": _finite(numbers.std_dev),
        "least": _finite(numbers.min),
        "median": _finite(numbers.median),
        "greatest": _finite(numbers.max),
        "zeros": int(numbers.num_zeros),
        "buckets": [
            [each.low_value, each.high_value, each.sample_count]
            for each in buckets
            if math.isfinite(each.low_value) and math.isfinite(each.high_value)
        ],
    }


def _finite(value: float) -> float | None:
    """Returns the value, or None for NaN and infinities, which JSON lacks."""
    return value if math.isfinite(value) else None
