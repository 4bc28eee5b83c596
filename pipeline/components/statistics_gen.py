"""StatisticsGen: TFDV's statistics of each split, from record batches read in bulk.

The stock executor hands every row through Beam one by one. The outputs are the same.
"""

from pathlib import Path
from typing import Any

import tensorflow_data_validation as tfdv
from tfx import types
from tfx.components.statistics_gen import component as stock
from tfx.components.statistics_gen import executor
from tfx.dsl.components.base import executor_spec
from tfx.types import artifact_utils
from tfx.types import standard_component_specs as keys

from beltline.pipeline.components import digest_of_sources
from beltline.pipeline.components.private_api import beam_pipeline
from beltline.pipeline.components.record_files import RecordBatches, files_of_split


class Executor(executor.Executor):
    """Computes the statistics of all splits."""

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Writes `FeatureStats.pb` to `Split-<name>/` for each split."""
        examples = artifact_utils.get_single_instance(input_dict[keys.EXAMPLES_KEY])
        statistics = artifact_utils.get_single_instance(output_dict[keys.STATISTICS_KEY])
        statistics.split_names = examples.split_names
        statistics.span = examples.span
        with beam_pipeline(self) as pipeline:
            for split in artifact_utils.decode_split_names(examples.split_names):
                folder = Path(artifact_utils.get_split_uri([statistics], split))
                _ = (
                    pipeline
                    | f"Examples[{split}]" >> RecordBatches(files_of_split([examples], split))
                    | f"Statistics[{split}]" >> tfdv.GenerateStatistics(tfdv.StatsOptions())
                    | f"Write[{split}]"
                    >> tfdv.WriteStatisticsToBinaryFile(str(folder / executor.DEFAULT_FILE_NAME))
                )


class StatisticsGen(stock.StatisticsGen):
    """TFX's StatisticsGen with the executor above; it knows no options.

    Args:
      examples: the Examples artifact.
    """

    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(Executor)

    def __init__(self, examples: types.BaseChannel):
        super().__init__(examples=examples)
        # For the cache key; the stock specification has no place for it.
        self.spec.exec_properties["code_digest"] = digest_of_sources()
