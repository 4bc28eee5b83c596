"""Predicts a whole table with one version, in a Beam pipeline over the parts of the data."""

import json
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from beltline.base.errors import WrongInput
from beltline.pipeline import tables
from beltline.pipeline.engine import BEAM_ARGS
from beltline.runners.predict.output import join, join_rejects
from beltline.runners.predict.scoring import Scoring
from beltline.versions.folder import Version, find
from beltline.versions.live import live


@dataclass(frozen=True)
class Predicted:
    """What was written."""

    rows: int
    rejected: int
    rejects: Path | None
    """The file of the rows that can't be read."""


def version_of(folder: Path, number: int | None) -> Version:
    """Returns a version, by default the live one.

    Raises:
      WrongInput: there is no such one.
    """
    chosen = live(folder) if number is None else number
    if chosen is None:
        raise WrongInput(f"{folder}: no version has been pushed yet; `beltline run` makes one")
    version = find(folder, chosen)
    if version is None:
        raise WrongInput(f"--version {chosen}: there is no such version in {folder}")
    return version


def predict(
    found: Sequence[tables.Table], version: Version, file: Path, keep: Collection[str] | None
) -> Predicted:
    """Writes the predictions for all rows of `found` to `file`, in the order of the rows.

    Args:
      found: the files, or a query.
      version: what predicts.
      file: a Parquet or a CSV file.
      keep: the columns to write beside the predictions; by default those that the model doesn't
        read, such as an id or the label.

    Raises:
      WrongInput: a column is missing, a value is not of its column's kind, or nothing can be read.
    """
    kinds = _kinds(version)
    kept = _kept(found, kinds, keep)
    # Beside the file: a whole disk shows before the end, and joining copies within one disk.
    with _parts(file) as folder:
        scoring = Scoring(version, kinds, kept, str(folder))
        rows, rejected = _run(scoring, tables.units(found, reject=True))
        rejects = join_rejects(folder, file)
        if not rows and rejects:
            raise WrongInput(
                f"{found[0]}: none of the {rejected:,} rows can be read: see {rejects}"
            )
        if not rows:
            raise tables.no_rows(found)
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


def _kinds(version: Version) -> dict[str, tables.Kind]:
    kinds = version.problem.get("columns")
    if not kinds:
        raise WrongInput(f"version {version.number}: its card names no columns, so no table fits")
    return dict(kinds)


def _kept(
    found: Sequence[tables.Table], kinds: Collection[str], keep: Collection[str] | None
) -> list[str]:
    names = tables.column_names(found)
    for name in (*kinds, *(keep or ())):
        if name not in names:
            raise tables.no_such_column(found[0], name, names)
    wanted = [name for name in names if name not in kinds] if keep is None else keep
    return list(dict.fromkeys(wanted))


def _run(scoring: Scoring, units: list[tables.Unit]) -> tuple[int, int]:
    import apache_beam as beam

    counts = Path(scoring.folder) / "counts"
    try:
        with beam.Pipeline(argv=list(BEAM_ARGS)) as pipeline:
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
