"""A name that must be one of some known ones: a node, a run."""

from collections.abc import Sequence

from beltline.base.errors import WrongInput
from beltline.base.hints import nearest

_MOST_NAMED = 16


def check_choice(message: str, given: str, known: Sequence[str]) -> None:
    """Checks that `given` is one of the `known` names.

    Raises:
      WrongInput: it is not. The text is `message`, the nearest name and the last known ones.
    """
    if given in known:
        return
    close = nearest(given, known)
    hint = f"; did you mean {close}?" if close else ""
    names = f" (known: {', '.join(known[-_MOST_NAMED:])})" if known else "; there is none yet"
    raise WrongInput(f"{message}{hint}{names}")
