"""The file of predictions: the parts joined in the order of the rows, as Parquet or CSV.

A further format is an entry in `_WRITERS`, and in the settings' `SUFFIXES`.
"""

import shutil
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from beltline.base.errors import WrongInput
from beltline.base.files import replacing
from beltline.pipeline.tables.rejects import FOLDER

_WRITERS: dict[str, Any] = {".parquet": pq.ParquetWriter, ".csv": pa_csv.CSVWriter}


def check_format(file: Path) -> None:
    """Raises WrongInput for a suffix that names no format to write, and for a URL."""
    if file.parts[:1] in (("s3:",), ("gs:",)):
        raise WrongInput(f"-o {file}: predictions are written to a disk; name a path")
    if file.suffix not in _WRITERS:
        raise WrongInput(f"-o {file}: must end in {' or '.join(_WRITERS)}")


def join(parts: Path, file: Path) -> None:
    """Writes the predictions in `parts` to `file`, which is replaced as a whole.

    Raises:
      OSError: it can't be written.
    """
    found = sorted(parts.glob("*.parquet"))
    with replacing(file) as temporary, _writer(file, temporary, found) as writer:
        for batch in _batches(found):
            writer.write_batch(batch)


def rejects_of(file: Path) -> Path:
    """Returns the file that is written beside `file` for rows that can't be read."""
    return file.with_suffix(".rejects.jsonl")


def join_rejects(parts: Path, file: Path) -> Path | None:
    """Writes the rows that can't be read beside `file`; returns where, None if there are none."""
    target = rejects_of(file)
    found = sorted((parts / FOLDER).glob("*.jsonl"))
    if not found:
        # Those of an earlier call would be taken for this one's.
        target.unlink(missing_ok=True)
        return None
    with replacing(target) as temporary, temporary.open("wb") as stream:
        for part in found:
            with part.open("rb") as rows:
                shutil.copyfileobj(rows, stream)
    return target


def _writer(file: Path, temporary: Path, parts: Sequence[Path]) -> AbstractContextManager[Any]:
    writer: AbstractContextManager[Any] = _WRITERS[file.suffix](
        str(temporary), pq.read_schema(parts[0])
    )
    return writer


def _batches(parts: Sequence[Path]) -> Iterator[pa.RecordBatch]:
    for part in parts:
        with pq.ParquetFile(part) as stream:
            yield from stream.iter_batches()
