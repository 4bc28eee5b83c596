"""What preflight checks of the section `predict`: the rows, their columns, and the output."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from beltline.base.errors import NoData, WrongInput
from beltline.base.hints import did_you_mean
from beltline.pipeline import tables
from beltline.pipeline.paths import KEPT, ROOT
from beltline.pipeline.predictions.publishing import (
    check_folder,
    check_name,
    check_place,
    output_file,
)
from beltline.pipeline.resolved import ResolvedProject
from beltline.pipeline.settings.predict import Predict
from beltline.pipeline.settings.reading import Project
from beltline.pipeline.tables.sources import Source

_SECTION = "predict"
_ANY_ROOT = Path("/the/root")


@dataclass(frozen=True)
class Found:
    """What a run is going to predict.

    `digest` is that of the rows; `output` is the file to publish.
    """

    digest: str
    output: Path


def check_definition(project: Project) -> None:
    """Checks what can be checked without the rows and the root.

    Raises:
      WrongInput: the output doesn't fit.
    """
    wanted = project.settings.predict
    if wanted is None:
        return
    with _in_file(project, wanted):
        check_name(wanted.output, _source(project, wanted))
        if not Path(wanted.output).is_absolute():
            # Its folders are the same, wherever the root is.
            check_folder(_ANY_ROOT / wanted.output, _ANY_ROOT, _kept(project))


def check(resolved: ResolvedProject, wanted: Predict) -> Found:
    """Checks rows, columns and output, and returns what was found.

    The columns are compared with those that today's model reads. (Where it is refused, the node
    compares them with those of the live version.)

    Args:
      resolved: the project.
      wanted: its section `predict`.

    Raises:
      WrongInput: something is wrong; the message says where.
    """
    project = resolved.project
    source, root = _source(project, wanted), _root(project)
    with _in_file(project, wanted):
        span = source.find()
        names = tables.column_names(span.tables)
        _check_columns(resolved.features.inputs, wanted, names)
        output = output_file(wanted.output, span.name, root)
        check_folder(output, root, _kept(project))
        check_place(output, source, span)
        unread = set() if wanted.keep is None else set(names) - set(wanted.keep)
        return Found(source.digest(span, unread - resolved.features.inputs), output)


@contextmanager
def _in_file(project: Project, wanted: Predict) -> Iterator[None]:
    """Makes messages begin with the file; no data are a mistake: here nobody waits for them."""
    try:
        yield
    except NoData as error:
        raise WrongInput(f"{project.file}: predict.span: {error}") from None
    except WrongInput as error:
        said = str(error)
        key = "" if said.startswith(f"{_SECTION}.") else f"{_rows_of(wanted)}: "
        raise WrongInput(f"{project.file}: {key}{said}") from None


def _check_columns(inputs: set[str], wanted: Predict, names: list[str]) -> None:
    where = wanted.path or "its result"
    for key, columns in ((_rows_of(wanted), sorted(inputs)), ("predict.keep", wanted.keep or ())):
        for name in columns:
            if name not in names:
                hint = did_you_mean(name, names) or f" ({', '.join(names[:12])})"
                raise WrongInput(f"{key}: no column '{name}' in {where}{hint}")


def _rows_of(wanted: Predict) -> str:
    return "predict.path" if wanted.path else "predict.query"


def _source(project: Project, wanted: Predict) -> Source:
    return Source.of(wanted, _SECTION, project.folder)


def _kept(project: Project) -> tuple[str, ...]:
    return (*KEPT, project.settings.push.directory)


def _root(project: Project) -> Path:
    return Path(os.environ.get(ROOT) or project.resolve(project.settings.local.root)).absolute()
