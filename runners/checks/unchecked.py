"""A check that can't be made from here: it neither holds nor fails."""

from collections.abc import Callable

from beltline.runners.checks.finding import Finding, made


class Unchecked(Exception):
    """Why a check could not be made."""


def checked(name: str, look: Callable[[], str]) -> Finding:
    """Makes a check as `made` does; one that raises Unchecked has no result but the reason."""
    try:
        return made(name, look)
    except Unchecked as error:
        return Finding(name, None, f"not checked: {error}")
