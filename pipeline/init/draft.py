"""The `pipeline.yaml` that `beltline init` writes beside its schema, and the writing of both.

Only what the data decided is written; everything else has its default in `settings.py`. To have
`init` write a further key, add a line in `settings_text`.
"""

import os
import re
import unicodedata
from collections.abc import Iterable, Mapping
from pathlib import Path

import yaml

from beltline.base.errors import WrongInput
from beltline.pipeline.init.feature_selection import shown
from beltline.pipeline.init.inference import InferredProject
from beltline.pipeline.init.label import InferredLabel
from beltline.pipeline.tables.files import File, suffix_of

SETTINGS = "pipeline.yaml"
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,62}")
_COMMENT_COLUMN = 34
# Of fewer, a split of a tenth of the rows has less than 50, by chance 7 more or less.
_FEWEST_ROWS_SPLIT_BY_CHANCE = 500


def name_for(data: Path) -> str:
    """Returns a pipeline name from the data's file or folder: letters, digits, - and _."""
    data = data.absolute()
    stem = re.split(r"[*?\[]", data.name)[0] or data.parent.name
    stem = stem[: len(stem) - len(suffix_of(Path(stem)) or "")]
    plain = unicodedata.normalize("NFKD", stem).encode("ascii", "ignore").decode()
    name = re.sub(r"[^A-Za-z0-9_-]+", "-", plain).strip("-_")
    if not name:
        return "pipeline"
    return (name if name[0].isalpha() else f"data-{name}")[:63]


def checked_name(name: str) -> str:
    """Returns `name`. Raises WrongInput where it is not a valid pipeline name."""
    if not _NAME.fullmatch(name):
        raise WrongInput(
            f"--name {name}: must start with a letter and hold only letters, digits, - and _ "
            "(63 at most)"
        )
    return name


def schema_path(name: str) -> str:
    """Returns where the schema lies, relative to the folder of `pipeline.yaml`."""
    return f"schema/{name}.pbtxt"


def settings_text(inferred: InferredProject, name: str, data: File | str, folder: Path) -> str:
    """Returns the text of `pipeline.yaml`; `data` is the path of files, or a query's text."""
    label = inferred.label
    lines = [
        "# Written by `beltline init`; docs/settings.md lists what else may stand here.",
        f"name: {name}",
        "data:",
        *_source_lines(data, folder),
    ]
    if label.column.missing:
        said = f"{label.column.missing:,} of {label.column.rows:,} rows have no label"
        lines.append(_with_comment("  unlabelled: drop", said))
    lines += _stratify_lines(label)
    lines += [f"schema: {schema_path(name)}", *_label_lines(inferred), *_feature_lines(inferred)]
    return "\n".join([*lines, *_evaluation_lines(inferred)]) + "\n"


def _source_lines(data: File | str, folder: Path) -> list[str]:
    if isinstance(data, str):
        return ["  source: sql", f"  query: {_scalar(data)}"]
    path = _relative(data, folder) if isinstance(data, Path) else str(data)
    return [f"  path: {_scalar(path)}"]


def _stratify_lines(label: InferredLabel) -> list[str]:
    rows, rarest = min(zip(label.counts, label.classes, strict=True), default=(0, ""))
    if not 0 < rows < _FEWEST_ROWS_SPLIT_BY_CHANCE:
        return []
    said = f"by chance alone, a split could lack rows of {shown(rarest)}: there are {rows:,}"
    return [_with_comment("  stratify: true", said)]


def _label_lines(inferred: InferredProject) -> list[str]:
    label = inferred.label
    lines = [
        "label:",
        f"  column: {_scalar(label.column.name)}",
        _with_comment(f"  task: {label.task}", "binary, multiclass or regression"),
    ]
    if label.positive is not None:
        said = f"the other class is {shown(label.classes[0])}"
        lines.append(_with_comment(f"  positive: {_scalar(label.positive)}", said))
    return lines


def _feature_lines(inferred: InferredProject) -> list[str]:
    excluded = [
        _with_comment(f"    - {_scalar(name)}", reason)
        for name, reason in inferred.excluded.items()
    ]
    timestamps = [
        _with_comment(
            f"    {_scalar(name)}: [{', '.join(parts)}]", "tells of later rows' label too"
        )
        for name, parts in inferred.timestamps.items()
    ]
    lines = [*(["  exclude:", *excluded] if excluded else [])]
    lines += ["  timestamps:", *timestamps] if timestamps else []
    return ["features:", *lines] if lines else []


def _evaluation_lines(inferred: InferredProject) -> list[str]:
    threshold = inferred.threshold
    lines = ["evaluation:"]
    if inferred.slices:
        lines.append(f"  slices: [{', '.join(_scalar(name) for name in inferred.slices)}]")
    bound = f"    {threshold.metric}: {{{threshold.side}: {threshold.value!r}}}"
    return [*lines, "  thresholds:", _with_comment(bound, threshold.why)]


def _with_comment(line: str, comment: str) -> str:
    return f"{line:<{_COMMENT_COLUMN}}  # {comment}"


def _scalar(text: str) -> str:
    """Returns `text` as a YAML scalar on one line that reads back as the same string."""
    # In any other style a line break of whatever kind is folded, and reads back as a space.
    style = None if text.isprintable() else '"'
    written = yaml.safe_dump(
        [text],
        default_flow_style=True,
        default_style=style,
        allow_unicode=True,
        width=float("inf"),
    )
    return written.strip()[1:-1]


def _relative(data: Path, folder: Path) -> str:
    """Returns the data's path relative to `folder`; absolute where they share only the root."""
    # Resolved first: `..` from a folder behind a link would lead elsewhere.
    data, folder = data.parent.resolve() / data.name, folder.resolve()
    shared = os.path.commonpath([data, folder])
    return str(data) if shared == data.anchor else os.path.relpath(data, folder)


def refuse_existing(folder: Path, paths: Iterable[str]) -> None:
    """Raises WrongInput when one of the files to be written is in `folder` already."""
    present = [path for path in paths if (folder / path).exists()]
    if present:
        raise WrongInput(
            f"{folder / present[0]} already exists; write elsewhere with -o DIR, "
            "or replace it with --overwrite"
        )


def write(folder: Path, texts: Mapping[str, str]) -> None:
    """Writes each text to its path in `folder`: all of them, or on an error none.

    Raises WrongInput on a full disk or a folder without write permission.
    """
    ready: list[tuple[Path, Path]] = []
    try:
        for path, text in texts.items():
            ready.append(_staged(folder / path, text))
        for temporary, target in ready:
            temporary.replace(target)
    except OSError as error:
        raise WrongInput(f"{folder}: cannot be written: {error.strerror or error}") from error
    finally:
        for temporary, _ in ready:
            temporary.unlink(missing_ok=True)


def _staged(target: Path, text: str) -> tuple[Path, Path]:
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        temporary.write_text(text, encoding="utf-8")
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
    return temporary, target
