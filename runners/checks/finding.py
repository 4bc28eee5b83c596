"""What a check finds: one line, whether it is well, and how to mend it."""

from collections.abc import Callable
from dataclasses import dataclass

from beltline.base.errors import WrongInput


class Problem(Exception):
    """What is wrong, and how to mend it."""

    def __init__(self, text: str, mend: str):
        super().__init__(text)
        self.mend = mend


@dataclass(frozen=True)
class Finding:
    """What a check found. `ok` is None where it could not be made."""

    check: str
    ok: bool | None
    text: str
    mend: str = ""

    def line(self) -> str:
        """Returns it in one line."""
        word = {True: "ok", False: "fail", None: "-"}[self.ok]
        text = f"{self.text}: {self.mend}" if self.mend else self.text
        return f"{word:<5} {self.check:<11} {text}"


def made(name: str, look: Callable[[], str]) -> Finding:
    """Makes a check: a function that returns a line, or raises what is wrong."""
    try:
        return Finding(name, True, look())
    except Problem as problem:
        return Finding(name, False, str(problem), problem.mend)
    except (WrongInput, OSError) as error:
        return Finding(name, False, " · ".join(str(error).splitlines()), "correct it there")
