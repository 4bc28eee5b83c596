"""A server as a process of its own, for containers (`python -m beltline.serving --help`).

Every field of `Options` is an option here, but for the token: it comes from the environment alone,
since anybody on the machine can read a process's arguments.
"""

import argparse
import os
import sys
import typing
from dataclasses import MISSING, Field, fields
from types import UnionType
from typing import Any

from beltline.base.errors import BeltlineError
from beltline.serving.options import Options

TOKEN = "token"  # noqa: S105 # the field's name


def parser() -> argparse.ArgumentParser:
    """Returns the options, made from the dataclass."""
    made = argparse.ArgumentParser(
        prog="python -m beltline.serving", description="Answers over REST."
    )
    types = typing.get_type_hints(Options)
    for field in fields(Options):
        if field.name != TOKEN:
            made.add_argument(f"--{field.name.replace('_', '-')}", **_option(field, types))
    return made


def _option(field: Field[Any], types: dict[str, Any]) -> dict[str, Any]:
    kind = types[field.name]
    if typing.get_origin(kind) is tuple:
        # Once for each value.
        return {"action": "append", "default": []}
    if isinstance(kind, UnionType):
        kind = next(each for each in typing.get_args(kind) if each is not type(None))
    needed = field.default is MISSING
    return {"type": kind, "required": needed, "default": None if needed else field.default}


def main(arguments: list[str] | None = None) -> None:
    """Serves until it is stopped; exits with 2 on a mistake, and with 130 on Ctrl-C."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    from beltline.serving.server import TOKEN as VARIABLE
    from beltline.serving.server import serve

    given = vars(parser().parse_args(arguments))
    values: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in given.items()
    }
    try:
        serve(Options(**values, token=os.environ.get(VARIABLE, "")))
    except BeltlineError as error:
        print(f"beltline: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
