"""ExampleGen's executor: a Beam pipeline over the units of the data."""

import json
import logging
import shutil
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import apache_beam as beam
from tfx import types
from tfx.components.example_gen import utils as example_gen_utils
from tfx.dsl.components.base import base_beam_executor
from tfx.types import artifact_utils

from beltline.base.errors import WrongInput
from beltline.pipeline import tables
from beltline.pipeline.components.examples.config import ExampleGenConfig
from beltline.pipeline.components.examples.shards import Shards, Written
from beltline.pipeline.components.private_api import beam_pipeline
from beltline.pipeline.tables import rejects

log = logging.getLogger("beltline.examples")


class Executor(base_beam_executor.BaseBeamExecutor):
    """Reads, splits, encodes and writes; a range of a file is the unit of work."""

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Writes gzipped TFRecords to `Split-<name>/` for each split.

        Raises:
          WrongInput: the data can't be read; the message names the file, the line and the column.
        """
        examples = artifact_utils.get_single_instance(output_dict["examples"])
        splits = list(json.loads(exec_properties["splits"]))
        examples.split_names = artifact_utils.encode_split_names(splits)
        try:
            written = self._written_in_full(examples.uri, ExampleGenConfig(exec_properties))
        except Exception as error:
            _clear(examples.uri, splits)
            if isinstance(error, WrongInput):
                # Beam adds the name of its step, which tells the reader nothing.
                raise WrongInput(str(error).partition(" [while running")[0]) from None
            raise
        _record_counts(examples, written.counts, splits)
        if written.digest:
            _record_digest(examples, written.digest, exec_properties)

    def _written_in_full(self, uri: str, request: ExampleGenConfig) -> Written:
        written = self._written(uri, request)
        counts = written.counts
        if not any(counts.get(name) for name in (*request.splits, "dropped")):
            if counts.get("rejected"):
                raise WrongInput(
                    f"{request.files[0]}: none of the {counts['rejected']:,} rows can be read; "
                    "with data.unreadable: stop, the first one is named"
                )
            raise tables.no_rows(request.files)
        return written

    def _written(self, uri: str, request: ExampleGenConfig) -> Written:
        try:
            written = self._write(request.units, request.shards(uri, request.likely_kinds()))
        except tables.OtherKind as error:
            # Met on the way to the split, before any row was written.
            written = Written(misfits=(str(error),))
        if not written.misfits:
            return written
        for misfit in written.misfits:
            log.warning("not of the kind that the schema says: %s", misfit)
        _clear(uri, request.splits)
        written = self._write(request.units, request.shards(uri, request.found_kinds()))
        if written.misfits:
            raise WrongInput(f"the data changed while they were read: {written.misfits[0]}")
        return written

    def _write(self, units: list[tables.Unit], shards: Shards) -> Written:
        counts_file = Path(self._get_tmp_dir()) / "counts"
        with beam_pipeline(self) as pipeline:
            _ = (
                pipeline
                | "Units" >> beam.Create(list(enumerate(units)))
                | "Write" >> beam.Map(shards.write)
                | "Together" >> beam.CombineGlobally(Written.total)
                | "Counts" >> beam.Map(_write_json, str(counts_file))
            )
        return Written(**json.loads(counts_file.read_text(encoding="utf-8")))


def _clear(uri: str, splits: Iterable[str]) -> None:
    for folder in (*(f"Split-{split}" for split in splits), rejects.FOLDER):
        shutil.rmtree(Path(uri) / folder, ignore_errors=True)


def _write_json(written: Written, file: str) -> None:
    Path(file).write_text(json.dumps(asdict(written)), encoding="utf-8")


def _record_digest(examples: types.Artifact, digest: str, properties: dict[str, Any]) -> None:
    """Records what was really read, which may be newer than what the driver has looked at."""
    if digest != properties["data_digest"] and not properties["changed_by"]:
        log.warning("the rows of data.query have changed since the run began to look at them")
    examples.set_string_custom_property("data_digest", digest)


def _record_counts(examples: types.Artifact, counts: dict[str, int], splits: list[str]) -> None:
    for name, number in counts.items():
        examples.set_int_custom_property(f"rows_{name}", number)
    examples.set_string_custom_property(
        example_gen_utils.PAYLOAD_FORMAT_PROPERTY_NAME, "FORMAT_TF_EXAMPLE"
    )
    examples.set_string_custom_property(
        example_gen_utils.FILE_FORMAT_PROPERTY_NAME, "tfrecords_gzip"
    )
    rows = ", ".join(f"{name} {counts.get(name, 0):,}" for name in splits)
    log.info("rows: %s; left out for want of a label: %d", rows, counts["dropped"])
    if counts["rejected"]:
        _warn_of_rejected(counts["rejected"], Path(examples.uri) / rejects.FOLDER)


def _warn_of_rejected(number: int, folder: Path) -> None:
    said = "1 row can't be read and is" if number == 1 else f"{number:,} rows can't be read and are"
    log.warning("%s left out; see %s", said, folder)
