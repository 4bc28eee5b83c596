"""Checks before anything runs; needs neither TFX nor TensorFlow."""

import ctypes
import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from beltline.base import digest
from beltline.base.errors import NoData, WrongInput
from beltline.base.hints import did_you_mean
from beltline.bundle import environment
from beltline.pipeline import preflight_predict, tables
from beltline.pipeline.nodes import ABOUT
from beltline.pipeline.resolved import ResolvedProject, resolve
from beltline.pipeline.settings.reading import Project
from beltline.pipeline.tables.sources import Source

OPENMP = "libgomp.so.1"
"""What LightGBM's wheel takes from the system."""
_SOURCES = ("base", "bundle", "pipeline", "storage", "versions/loaded")
# Where it runs, is served and is watched, and who is told: a run's outcome is the same.
_ELSEWHERE = {
    "local",
    "artifacts",
    "beam",
    "airflow",
    "kubeflow",
    "serving",
    "monitoring",
    "tracking",
}


def check(project: Project) -> ResolvedProject:
    """Checks settings, schema, model code and the data's header against each other.

    Returns the resolved project; its `inputs_digest` covers settings, schema, model code,
    Beltline's own code, locked requirements, and the data's content.

    Raises:
      WrongInput: something is wrong; the message says where.
    """
    resolved = check_definition(project)
    _check_openmp(project)
    source = source_of(project)
    found = _found(project, source)
    _check_header(project, tables.column_names(found.tables))
    wanted = project.settings.predict
    predicted = preflight_predict.check(resolved, wanted) if wanted else None
    inputs = digest.of_parts(
        {
            "settings": project.settings.model_dump_json(exclude=_ELSEWHERE).encode(),
            "schema": resolved.schema_text.encode(),
            "code": resolved.model_digest.encode(),
            "beltline": digest.of_parts(_beltline_sources()).encode(),
            "lock": environment.lock_digest().encode(),
            "data": _digest(project, source, found).encode(),
            "predicted": (predicted.digest if predicted else "").encode(),
        }
    )
    output = predicted.output if predicted else None
    return dataclasses.replace(resolved, inputs_digest=inputs, predictions=output)


def check_definition(project: Project) -> ResolvedProject:
    """Checks settings, schema and model code against each other; the data need not exist.

    Returns the resolved project, without a digest of its inputs.

    Raises:
      WrongInput: something is wrong; the message says where.
    """
    resolved = resolve(project)
    _check_nodes(project)
    preflight_predict.check_definition(project)
    return resolved


def source_of(project: Project) -> Source:
    """Returns where the data are."""
    return Source.of(project.settings.data, start=project.folder)


def _found(project: Project, source: Source) -> tables.Span:
    with _no_data_is_wrong(project):
        return source.find()


def _digest(project: Project, source: Source, found: tables.Span) -> str:
    settings = project.settings
    with _no_data_is_wrong(project):
        return source.digest(found, settings.unread, settings.data.split_column or "")


@contextmanager
def _no_data_is_wrong(project: Project) -> Iterator[None]:
    try:
        yield
    except NoData as error:
        # Here nobody waits for the data of a day to come.
        raise WrongInput(f"{project.file}: data.span: {error}") from None


def _beltline_sources() -> dict[str, bytes]:
    root = Path(__file__).parent.parent
    return digest.source_files(*(root / name for name in _SOURCES))


def _check_header(project: Project, names: list[str]) -> None:
    settings = project.settings
    wanted = {"label.column": settings.label.column}
    if settings.data.split_column:
        key = "data.split_by" if settings.data.time_gap is None else "data.split_by.time"
        wanted[key] = settings.data.split_column
    for key, name in wanted.items():
        if name not in names:
            hint = did_you_mean(name, names) or f" ({', '.join(names[:12])})"
            raise WrongInput(
                f"{project.file}: {key}: no column '{name}' in "
                f"{settings.data.path or 'the result of data.query'}{hint}"
            )


def _check_openmp(project: Project) -> None:
    if not project.settings.model.has_trees:
        return
    try:
        ctypes.CDLL(OPENMP)
    except OSError as error:
        raise WrongInput(
            f"{project.file}: model.learners: trees need the system's library {OPENMP}, which "
            f"can't be loaded here ({error}); install it (Debian and Ubuntu: apt-get install "
            "libgomp1), or set `model.learners: [network]`"
        ) from error


def _check_nodes(project: Project) -> None:
    for node in project.settings.resources:
        if node not in ABOUT:
            hint = did_you_mean(node, ABOUT)
            raise WrongInput(
                f"{project.file}: resources: unknown node '{node}'{hint} "
                f"(allowed: {', '.join(ABOUT)})"
            )
