"""What people decided about versions that waited for approval (`push.approval`)."""

import getpass
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, Literal, get_args

from beltline.base.printable import printable

Verdict = Literal["approved", "rejected", "superseded"]

# A model that was rejected longer ago would be held again.
_KEPT = 100


@dataclass(frozen=True)
class Decision:
    """The end of a version's wait.

    `digest` is of the model's files; `at` is an ISO time; `by` and `note` are as they were given.
    Of a superseded version, `note` names the one that took its place.
    """

    verdict: Verdict
    digest: str = ""
    at: str = ""
    by: str = ""
    note: str = ""

    def of(self, number: int) -> str:
        """Returns the decision about a version, as a sentence without its full stop."""
        by = f" by {self.by}" if self.by else ""
        note = f": {self.note}" if self.note else ""
        return f"version {number} was {self.verdict}{by}{note}"


def user_name() -> str:
    """Returns the user's name; empty where there is none, as in some containers."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return ""


def decided(verdict: Verdict, card: Mapping[str, Any], by: str = "", note: str = "") -> Decision:
    """Returns a decision of now about the version that has this card."""
    at = datetime.now(UTC).isoformat(timespec="seconds")
    # What is no UTF-8, as in an argument, can't be stored elsewhere.
    digest, by, note = str(card.get("digest", "")), printable(by), printable(note)
    return Decision(verdict, digest, at, by, note)


def added(
    decisions: Mapping[int, Decision], number: int, decision: Decision
) -> dict[int, Decision]:
    """Returns the decisions with one more, by version; those on the oldest versions are dropped."""
    every = sorted({**decisions, number: decision}.items())
    return dict(every[-_KEPT:])


def rejected(decisions: Mapping[int, Decision], digest: str) -> int | None:
    """Returns the latest version of this model that was rejected; None if there is none."""
    found = [
        number
        for number, each in decisions.items()
        if each.verdict == "rejected" and each.digest == digest
    ]
    return max(found, default=None)


def plain(decisions: Mapping[int, Decision]) -> dict[str, dict[str, str]]:
    """Returns the decisions as they are in JSON."""
    return {str(number): asdict(each) for number, each in decisions.items()}


def parsed(found: Any) -> dict[int, Decision]:
    """Returns the decisions from JSON; what has another form is left out."""
    entries = found.items() if isinstance(found, dict) else ()
    return {
        int(number): Decision(**each)
        for number, each in entries
        if number.isascii() and number.isdecimal() and _is_decision(each)
    }


def _is_decision(found: Any) -> bool:
    return (
        isinstance(found, dict)
        and found.get("verdict") in get_args(Verdict)
        and found.keys() <= Decision.__dataclass_fields__.keys()
        and all(isinstance(value, str) for value in found.values())
    )
