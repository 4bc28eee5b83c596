"""The rows of each slice, kept together as arrays for metrics that count many rows at once.

TFMA makes a value of its own of every feature of every row before it counts anything: nearly all of
the Evaluator's time. Where all metrics are of `beltline.pipeline.evaluation.metrics` and a slice is
by one column, this takes the place of those two of TFMA's steps; else they stay.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import apache_beam as beam
import numpy as np
import pandas as pd
import pyarrow as pa
import tensorflow_model_analysis as tfma
from tensorflow_model_analysis import constants
from tensorflow_model_analysis.extractors import slice_key_extractor, unbatch_extractor
from tensorflow_model_analysis.slicer import slicer_lib

from beltline.pipeline.evaluation import metrics

_NEEDED = (tfma.LABELS_KEY, tfma.PREDICTIONS_KEY, tfma.EXAMPLE_WEIGHTS_KEY)
_VALUES = "values_that_make_slices"
_BY_ROW = (
    unbatch_extractor.UNBATCH_EXTRACTOR_STAGE_NAME,
    slice_key_extractor.SLICE_KEY_EXTRACTOR_STAGE_NAME,
)


def extractors(
    eval_shared_model: Any, eval_config: tfma.EvalConfig
) -> list[tfma.extractors.Extractor]:
    """Returns TFMA's extractors; the last two work on whole batches where possible."""
    found = tfma.default_extractors(eval_shared_model=eval_shared_model, eval_config=eval_config)
    if not in_batches(eval_config):
        return found
    columns = [spec.feature_keys[0] for spec in eval_config.slicing_specs if spec.feature_keys]
    first = tfma.extractors.Extractor("FindSlices", beam.Map(with_slices, columns))
    # TFMA's evaluator runs after the step of this name.
    name = slice_key_extractor.SLICE_KEY_EXTRACTOR_STAGE_NAME
    last = tfma.extractors.Extractor(name, beam.FlatMap(slices))
    return [first, *(each for each in found if each.stage_name not in _BY_ROW), last]


def in_batches(eval_config: tfma.EvalConfig) -> bool:
    """Returns whether all metrics count batches and each slice is by one column at most."""
    wanted = [metric for spec in eval_config.metrics_specs for metric in spec.metrics]
    slicing = eval_config.slicing_specs
    plain = all(
        not spec.feature_values and not spec.slice_keys_sql and len(spec.feature_keys) < 2
        for spec in slicing
    )
    all_rows = any(not spec.feature_keys for spec in slicing)
    return plain and all_rows and all(metric.module == metrics.__name__ for metric in wanted)


def with_slices(batch: Mapping[str, Any], columns: Sequence[str]) -> dict[str, Any]:
    """Returns TFMA's extracts with each row's values of some columns, as arrays `[n]` of tuples.

    Args:
      batch: has the record batch, which TFMA's first step takes away.
      columns: the columns that make slices; a row without a value is in no slice of it.
    """
    records = batch[constants.ARROW_RECORD_BATCH_KEY]
    return {**batch, _VALUES: {name: _values(records, name) for name in columns}}


def slices(batch: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yields the extracts `[n, …]` of all rows, and then those of each slice's rows."""
    kept = {key: batch[key] for key in _NEEDED if key in batch}
    yield kept | _slice_key(())
    for name, values in batch.get(_VALUES, {}).items():
        codes, found = pd.factorize(values)
        for code, of_row in enumerate(found):
            rows = np.flatnonzero(codes == code)
            chosen = {key: _at(extract, rows) for key, extract in kept.items()}
            for value in dict.fromkeys(of_row):
                yield chosen | _slice_key(((name, value),))


def _slice_key(key: tuple[Any, ...]) -> dict[str, Any]:
    return {tfma.SLICE_KEY_TYPES_KEY: slicer_lib.slice_keys_to_numpy_array([key])}


def _values(batch: pa.RecordBatch, name: str) -> np.ndarray:
    values = np.empty(batch.num_rows, dtype=object)
    values[:] = [()] * batch.num_rows
    if name in batch.schema.names:
        for row, found in enumerate(batch.column(name).to_pylist()):
            values[row] = tuple(map(_shown, found or ()))
    return values


def _shown(value: Any) -> Any:
    return value.decode() if isinstance(value, bytes) else value


def _at(values: Any, rows: np.ndarray) -> Any:
    if isinstance(values, Mapping):
        return {key: _at(value, rows) for key, value in values.items()}
    return values[rows]
