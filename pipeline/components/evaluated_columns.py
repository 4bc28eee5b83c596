"""What TFMA keeps of each row: labels, predictions and the columns that make slices.

TFMA makes a value of its own of every feature of every row before it counts anything; that is most
of the Evaluator's time. Its extractors stay as they are, but for a step that leaves out what no
metric and no slice looks at. TFX calls `extractors` by its dotted name.
"""

from collections.abc import Collection
from typing import Any

import apache_beam as beam
import tensorflow_model_analysis as tfma
from tensorflow_model_analysis.extractors import unbatch_extractor

_NEEDED = (tfma.LABELS_KEY, tfma.PREDICTIONS_KEY, tfma.EXAMPLE_WEIGHTS_KEY)


def extractors(
    eval_shared_model: Any, eval_config: Any, tensor_adapter_config: Any
) -> list[tfma.extractors.Extractor]:
    """Returns TFMA's extractors with a step before the one that takes batches apart."""
    found = tfma.default_extractors(
        eval_shared_model=eval_shared_model,
        eval_config=eval_config,
        tensor_adapter_config=tensor_adapter_config,
    )
    columns = {key for spec in eval_config.slicing_specs for key in _columns(spec)}
    names = [each.stage_name for each in found]
    apart = names.index(unbatch_extractor.UNBATCH_EXTRACTOR_STAGE_NAME)
    keep = tfma.extractors.Extractor("KeepWhatCounts", beam.Map(only_what_counts, columns))
    return [*found[:apart], keep, *found[apart:]]


def only_what_counts(batch: dict[str, Any], columns: Collection[str]) -> dict[str, Any]:
    """Returns a batch of extracts with labels, predictions and weights, and these features."""
    kept = {key: batch[key] for key in _NEEDED if key in batch}
    features = batch.get(tfma.FEATURES_KEY, {})
    return kept | {
        tfma.FEATURES_KEY: {name: features[name] for name in columns if name in features}
    }


def _columns(spec: Any) -> list[str]:
    return [*spec.feature_keys, *spec.feature_values]
