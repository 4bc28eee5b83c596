"""What a check found: one line, whether it passed, and how to fix it."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from beltline.base.errors import WrongInput


class Problem(Exception):
    """What is wrong, and how to fix it."""

    def __init__(self, text: str, fix: str):
        super().__init__(text)
        self.fix = fix


class CheckSkipped(Exception):
    """Why a check could not run from here: it neither passed nor failed."""


@dataclass(frozen=True)
class Finding:
    """The result of one check. `ok` is None where the check could not run."""

    check: str
    ok: bool | None
    text: str
    fix: str = ""

    def line(self) -> str:
        """Returns the finding in one line."""
        word = {True: "ok", False: "fail", None: "-"}[self.ok]
        text = f"{self.text}: {self.fix}" if self.fix else self.text
        return f"{word:<5} {self.check:<11} {text}"

    def as_json(self) -> dict[str, Any]:
        """Returns the finding as the commands print it with `--json`."""
        # `mend` is the deprecated name of `fix`: scripts that were written for it go on working.
        return {**asdict(self), "mend": self.fix}

    @classmethod
    def from_json(cls, found: dict[str, Any]) -> "Finding":
        """Reads what `as_json` wrote, in this release or in one before `fix` had its name."""
        return cls(
            found["check"], found["ok"], found["text"], found.get("fix", found.get("mend", ""))
        )


def run_check(name: str, check: Callable[[], str]) -> Finding:
    """Runs a check, a function that returns one line, and returns what it found.

    A Problem that it raises is a failure, and so is wrong input; CheckSkipped is neither.
    """
    try:
        return Finding(name, True, check())
    except CheckSkipped as error:
        return Finding(name, None, f"not checked: {error}")
    except Problem as problem:
        return Finding(name, False, str(problem), problem.fix)
    except (WrongInput, OSError) as error:
        return Finding(name, False, " · ".join(str(error).splitlines()), "fix it there")
