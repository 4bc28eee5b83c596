"""Predicts a whole table with one version, in a Beam pipeline over the parts of the data."""

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from beltline.base.errors import WrongInput
from beltline.pipeline import tables
from beltline.pipeline.engine import BEAM_ARGS
from beltline.pipeline.predictions.output import join, join_rejects
from beltline.pipeline.predictions.scoring import Scoring
from beltline.versions.folder import Version, fetch, find
from beltline.versions.live import live
from beltline.versions.loaded.errors import BrokenVersion
from beltline.versions.store import Place


class NoRows(WrongInput):
    """The table has column names, and no rows."""


@dataclass(frozen=True)
class Predicted:
    """What was written."""

    rows: int
    rejected: int
    rejects: Path | None
    """The file of the rows that can't be read."""


def version_of(folder: Place, number: int | None) -> Version:
    """Returns a version whose files are on this machine, by default the live one.

    Raises:
      WrongInput: there is no such one, or its files are damaged.
    """
    chosen = live(folder) if number is None else number
    if chosen is None:
        raise WrongInput(f"{folder}: no version has been pushed yet; `beltline run` makes one")
    version = find(folder, chosen)
    if version is None:
        raise WrongInput(f"--version {chosen}: there is no such version in {folder}")
    try:
        fetch(folder, version)
    except BrokenVersion as error:
        raise WrongInput(str(error)) from error
    return version


def local_pipeline() -> Any:
    """Returns a Beam pipeline that runs in this process."""
    import apache_beam as beam

    return beam.Pipeline(argv=list(BEAM_ARGS))


def predict(
    found: Sequence[tables.Table],
    version: Version,
    file: Path,
    keep: Collection[str] | None,
    new_pipeline: Callable[[], Any] = local_pipeline,
) -> Predicted:
    """Writes the predictions for all rows of `found` to `file`, in the order of the rows.

    Args:
      found: the files, or a query.
      version: what predicts.
      file: a Parquet or a CSV file.
      keep: the columns to write beside the predictions; by default those that the model doesn't
        read, such as an id or the label.
      new_pipeline: makes the Beam pipeline.

    Raises:
      NoRows: there are none.
      WrongInput: a column is missing, a value is not of its column's kind, or nothing can be read.
    """
    kinds = kinds_of(version)
    kept = kept_columns(tables.column_names(found), kinds, keep, found[0])
    # Beside the file: a whole disk shows before the end, and joining copies within one disk.
    with _parts(file) as folder:
        scoring = Scoring(version, kinds, kept, str(folder))
        rows, rejected = _run(scoring, tables.units(found, reject=True), new_pipeline)
        rejects = join_rejects(folder, file)
        if not rows and rejects:
            raise WrongInput(
                f"{found[0]}: none of the {rejected:,} rows can be read: see {rejects}"
            )
        if not rows:
            raise NoRows(str(tables.no_rows(found)))
        join(folder, file)
    return Predicted(rows, rejected, rejects)


@contextmanager
def _parts(file: Path) -> Iterator[Path]:
    parent = file.absolute().parent
    try:
        parent.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=parent, prefix=f".{file.name}.") as folder:
            yield Path(folder)
    except OSError as error:
        raise WrongInput(f"{file}: can't be written: {error.strerror or error}") from error


def kinds_of(version: Version) -> dict[str, tables.Kind]:
    """Returns the kind of each column that a version reads.

    Raises:
      WrongInput: its card doesn't say.
    """
    kinds = version.problem.get("columns")
    if not kinds:
        raise WrongInput(f"version {version.number}: its card names no columns, so no table fits")
    return dict(kinds)


def kept_columns(
    names: Sequence[str], read: Collection[str], keep: Collection[str] | None, where: object
) -> list[str]:
    """Returns the columns that are written beside the predictions.

    Args:
      names: the columns of the table.
      read: those that the model reads.
      keep: those to write; None for all that the model doesn't read.
      where: what a message calls the table.

    Raises:
      WrongInput: one of them is not in the table.
    """
    for name in (*read, *(keep or ())):
        if name not in names:
            raise tables.no_such_column(where, name, names)
    wanted = [name for name in names if name not in read] if keep is None else keep
    return list(dict.fromkeys(wanted))


def _run(
    scoring: Scoring, units: list[tables.Unit], new_pipeline: Callable[[], Any]
) -> tuple[int, int]:
    import apache_beam as beam

    counts = Path(scoring.folder) / "counts"
    try:
        with new_pipeline() as pipeline:
            _ = (
                pipeline
                | "Units" >> beam.Create(list(enumerate(units)))
                | "Predict" >> beam.Map(scoring.write)
                | "Together" >> beam.CombineGlobally(_total)
                | "Counts" >> beam.Map(_write_json, str(counts))
            )
    except WrongInput as error:
        # Beam adds the name of its step, which tells the reader nothing.
        raise WrongInput(str(error).partition(" [while running")[0]) from None
    rows, rejected = json.loads(counts.read_text(encoding="utf-8"))
    return rows, rejected


def _total(parts: Iterable[tuple[int, int]]) -> tuple[int, int]:
    rows, rejected = zip((0, 0), *parts, strict=True)
    return sum(rows), sum(rejected)


def _write_json(counts: tuple[int, int], file: str) -> None:
    Path(file).write_text(json.dumps(counts), encoding="utf-8")
