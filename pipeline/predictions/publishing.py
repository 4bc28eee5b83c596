"""Where the predictions of a run are published: the file of `predict.output`, and its rejects.

The files of each run stay in its artifact; what is published is a copy, which replaces that of an
earlier run in one step.
"""

import filecmp
import os
import shutil
from collections.abc import Collection
from pathlib import Path
from tempfile import TemporaryDirectory

from beltline.base.errors import WrongInput
from beltline.base.files import publish as publish_staged
from beltline.pipeline.predictions.output import rejects_of
from beltline.pipeline.settings.predict import SPAN
from beltline.pipeline.tables import source_path
from beltline.pipeline.tables.sources import Source
from beltline.pipeline.tables.spans import Span
from beltline.storage.url import refuse_url

KEY = "predict.output"


def output_file(output: str, span: str, root: Path) -> Path:
    """Returns the file that the predictions for a span are published as.

    Args:
      output: the setting; a relative path starts at `root`.
      span: the name of the span.
      root: the root.
    """
    return root / output.replace(SPAN, span)


def check_name(output: str, source: Source) -> None:
    """Checks that the name of the output fits the rows.

    Raises:
      WrongInput: it names their span, and they have none; or it is a URL.
    """
    refuse_url(KEY, output)
    if SPAN in output and not source.has_spans:
        raise WrongInput(
            f"{KEY}: {output} contains {SPAN}, but the rows have no spans: remove it, or write "
            f"{SPAN} or {{YYYY}}-{{MM}}-{{DD}} into predict.path, or :span into predict.query"
        )


def check_folder(file: Path, root: Path, kept: Collection[str]) -> None:
    """Checks that the output is not among what Beltline keeps.

    Args:
      file: the output.
      root: the root.
      kept: the folders in the root that hold something else.

    Raises:
      WrongInput: it is.
    """
    # Links are followed: another name of a folder is the same folder.
    place = file.resolve()
    for name in kept:
        folder = (root / name).resolve()
        if place.is_relative_to(folder):
            raise WrongInput(
                f"{KEY}: {file} is in {folder}, where Beltline keeps its own files: choose another "
                "folder, such as `predictions/`"
            )


def check_place(file: Path, source: Source, found: Span) -> None:
    """Checks that the output can be written, and that no later run takes it for rows.

    Args:
      file: the output.
      source: where the rows are.
      found: the rows' files.

    Raises:
      WrongInput: it can't be, or it is one of the files, or beside those of a folder or a pattern.
    """
    try:
        _check_place(file.resolve(), file, source, found)
    except OSError as error:
        raise WrongInput(f"{KEY}: {file}: {error.strerror}: choose another folder") from None


def _check_place(place: Path, file: Path, source: Source, found: Span) -> None:
    # What is in an object store is not where this is written.
    files = [each.resolve() for each in found.files if isinstance(each, Path)]
    if place in files:
        raise WrongInput(f"{KEY}: {file} is the file of predict.path: choose another name")
    several = bool(files) and not source_path(source.path, source.start).is_file()
    if several and place.parent in {each.parent for each in files}:
        raise WrongInput(
            f"{KEY}: {file} is in the folder of predict.path, and would be read as rows by the "
            "next run: choose another folder"
        )
    if file.is_dir():
        raise WrongInput(f"{KEY}: {file} is a folder: write the name of a file")
    folder = next(each for each in place.parents if each.exists())
    if not folder.is_dir() or not _may_write(folder):
        why = "it can't be written by this user" if folder.is_dir() else "it is not a folder"
        raise WrongInput(f"{KEY}: {file}: {folder}: {why}: choose another folder")


def _may_write(folder: Path) -> bool:
    return os.access(folder, os.W_OK | os.X_OK, effective_ids=True)


def publish(made: Path, file: Path) -> None:
    """Publishes a copy of predictions, and of the rejects beside them; equal files are left.

    Args:
      made: the predictions in the artifact.
      file: the output.

    Raises:
      WrongInput: it can't be written; the last one stays.
    """
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        if rejects_of(made).exists():
            _copy(rejects_of(made), rejects_of(file))
        else:
            # Those of an earlier run would be taken for this one's.
            rejects_of(file).unlink(missing_ok=True)
        _copy(made, file)
    except OSError as error:
        raise WrongInput(f"{KEY}: {file}: can't be written: {error.strerror or error}") from error


def _copy(source: Path, target: Path) -> None:
    if target.exists() and filecmp.cmp(source, target, shallow=False):
        return
    # A folder of its own: another run may be publishing the same file.
    with TemporaryDirectory(dir=target.parent, prefix=f".{target.name}.") as folder:
        staged = Path(folder) / target.name
        shutil.copyfile(source, staged)
        publish_staged(staged, target)
