"""A server as a process of its own, for containers (`python -m beltline.serving --help`).

Every limit and every setting of the sampling is an option, with its own default and description.
The token is none: it comes from the environment alone, since anybody on the machine can read the
arguments of a process.
"""

import argparse
import os
import sys
import typing
from collections.abc import Iterator
from pathlib import Path
from types import UnionType
from typing import Any, TypeVar

from pydantic import ValidationError
from pydantic.fields import FieldInfo

from beltline.base.errors import BeltlineError, WrongInput
from beltline.base.settings.monitoring import Sampling
from beltline.base.settings.section import Section
from beltline.base.settings.serving import ServingLimits
from beltline.serving.options import Options
from beltline.versions.store import Place, place_of

_HELP = {
    "name": "The model's name in the URL.",
    "folder": "The version folder, `<root>/<push.directory>/<name>` or its URL; it may come later.",
    "host": "The address to listen on.",
    "poll_seconds": "How often the version folder is read.",
    "requests": "Folder for the sampled requests; without it no samples are taken.",
}
_S = TypeVar("_S", bound=Section)

# The option of a setting that has another name in its section.
_RENAMED = {"without": "sample_without"}
# `--requests` names the folder itself.
_NO_OPTIONS = {"directory"}


def parser() -> argparse.ArgumentParser:
    """Returns the options, generated from `Options` and its sections."""
    made = argparse.ArgumentParser(
        prog="python -m beltline.serving",
        description="Serve the versions in a folder over REST and gRPC.",
    )
    made.add_argument("--name", required=True, help=_HELP["name"])
    made.add_argument("--folder", required=True, type=_place, help=_HELP["folder"])
    for name, kind in (("host", str), ("poll_seconds", float), ("requests", Path)):
        default = getattr(Options, name)
        made.add_argument(_flag(name), type=kind, default=default, help=_HELP[name])
    for section in (ServingLimits, Sampling):
        for name, option, field in _fields(section):
            made.add_argument(_flag(option), dest=name, **_argument(field))
    return made


def options(arguments: list[str] | None, token: str) -> Options:
    """Returns the options of a command line.

    Raises:
      WrongInput: a value is out of its bounds.
      SystemExit: an option is unknown, missing or of the wrong type.
    """
    given = vars(parser().parse_args(arguments))
    plain = {name: given[name] for name in _HELP}
    return Options(
        **plain, token=token, limits=_read(ServingLimits, given), sampling=_read(Sampling, given)
    )


def main(arguments: list[str] | None = None) -> None:
    """Serves until it is stopped; exits with 2 on invalid input, and with 130 on Ctrl-C."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    from beltline.serving.server import serve, token

    try:
        serve(options(arguments, token()))
    except BeltlineError as error:
        print(f"beltline: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        sys.exit(130)


def _place(text: str) -> Place:
    try:
        return place_of(Path(), text)
    except WrongInput as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _fields(section: type[Section]) -> Iterator[tuple[str, str, FieldInfo]]:
    """Yields the name, the option and the declaration of each field."""
    for name, field in section.model_fields.items():
        if name not in _NO_OPTIONS:
            yield name, _RENAMED.get(name, name), field


def _flag(option: str) -> str:
    return f"--{option.replace('_', '-')}"


def _argument(field: FieldInfo) -> dict[str, Any]:
    kind: Any = field.annotation
    default = field.get_default(call_default_factory=True)
    words = str(field.description).replace("%", "%%")
    if typing.get_origin(kind) is list:
        # Once for each value.
        return {"action": "append", "default": default, "help": words}
    if typing.get_origin(kind) is typing.Literal:
        return {"choices": typing.get_args(kind), "default": default, "help": words}
    if isinstance(kind, UnionType):
        kind = next(each for each in typing.get_args(kind) if each is not type(None))
    return {"type": kind, "default": default, "help": words}


def _read(section: type[_S], given: dict[str, Any]) -> _S:
    fields = list(_fields(section))
    try:
        return section(**{name: given[name] for name, _, _ in fields})
    except ValidationError as error:
        options = {name: option for name, option, _ in fields}
        [first, *_] = error.errors()
        option = _flag(options[str(first["loc"][0])])
        raise WrongInput(f"{option} {first['input']}: {first['msg']}") from None


if __name__ == "__main__":
    main()
