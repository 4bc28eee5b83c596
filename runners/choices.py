"""A name that must be one of some known ones: a node, a run."""

import difflib
from collections.abc import Sequence

from beltline.base.errors import WrongInput

_MOST_NAMED = 16


def check_choice(message: str, given: str, known: Sequence[str]) -> None:
    """Checks that `given` is one of the `known` names.

    Raises:
      WrongInput: it is not. The text is `message`, the nearest name and the last known ones.
    """
    if given in known:
        return
    folded = {name.lower(): name for name in known}
    close = difflib.get_close_matches(given.lower(), folded, n=1, cutoff=0.5)
    hint = f"; did you mean {folded[close[0]]}?" if close else ""
    names = f" (known: {', '.join(known[-_MOST_NAMED:])})" if known else "; there is none yet"
    raise WrongInput(f"{message}{hint}{names}")
