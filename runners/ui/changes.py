"""What somebody does to a version on the pages: what it will change, and that change.

They are the functions of the commands, so that gates, records and tools are the same. What changed
since the page was shown that asked for a confirmation is found under the lock of the versions.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from beltline.runners.approval.record import HeldVersion, made_known
from beltline.runners.paths import Paths
from beltline.runners.tracking.live import tell_live
from beltline.versions import approval, live
from beltline.versions.changes import changing, found_version
from beltline.versions.folder import Version, waiting
from beltline.versions.store import Place

VERBS = {"promote": "Promote", "rollback": "Roll back", "approve": "Approve", "reject": "Reject"}


@dataclass(frozen=True)
class Asked:
    """What somebody confirmed.

    `version` is the one whose button it was, `seen` the live version and the previous one as the
    page has shown them. `by` and `note` are of a decision.
    """

    version: int
    seen: Sequence[int]
    by: str = ""
    note: str = ""


@dataclass(frozen=True)
class Done:
    """What was done, in words, and what went wrong in telling others of it."""

    what: str
    problems: list[str]


@dataclass(frozen=True)
class Pipeline:
    """A pipeline's places, its name, and where its versions are."""

    paths: Paths
    name: str
    place: Place


def target(action: str, version: int, seen: Sequence[int]) -> int | None:
    """Returns the version that will be live after an action; None if there is none then.

    Args:
      action: one of `VERBS`.
      version: the one that it is done to.
      seen: the live version and the previous one, as far as there are any.
    """
    if action == "reject":
        return next(iter(seen), None)
    return next(iter(seen[1:]), None) if action == "rollback" else version


def act(action: str, of: Pipeline, asked: Asked) -> Done:
    """Carries out an action, one of `VERBS`, and tells the tools that are told by the commands.

    Raises:
      LiveChanged: another version has become live than those that were seen.
      WrongInput: it can't be done; the message says why.
    """
    return _ACTS[action](of, asked)


def _promote(of: Pipeline, asked: Asked) -> Done:
    found_version(of.place, asked.version)
    with changing(of.place):
        before = live.promote(of.place, asked.version, asked.seen)
    said = f"Now serving version {asked.version} (was version {before})"
    return Done(said, tell_live(of.paths.tracking, of.name, asked.version))


def _rollback(of: Pipeline, asked: Asked) -> Done:
    with changing(of.place):
        before, now = live.rollback(of.place, asked.seen)
    said = f"Rolled back; now serving version {now} (was version {before})"
    return Done(said, tell_live(of.paths.tracking, of.name, now))


def _approve(of: Pipeline, asked: Asked) -> Done:
    number = asked.version
    with changing(of.place):
        before = live.live(of.place)
        new = approval.approve(of.place, number, asked.by, asked.note, asked.seen)
    was = f"was version {before}" if before else "the first one"
    said = (
        f"Approved; now serving version {number} ({was})"
        if new
        else f"Version {number} was approved already; version {before} is live"
    )
    return Done(said, _made_known(of, found_version(of.place, number)))


def _reject(of: Pipeline, asked: Asked) -> Done:
    with changing(of.place):
        held = waiting(of.place)
        new = approval.reject(of.place, asked.version, asked.by, asked.note)
    said = f"Version {asked.version} {'rejected' if new else 'was rejected already'}"
    known = held is not None and held.number == asked.version
    return Done(said, _made_known(of, held) if held and known else [])


def _made_known(of: Pipeline, version: Version) -> list[str]:
    return made_known(of.paths, of.name, HeldVersion(of.place, version.number, version.run))


_ACTS: dict[str, Callable[[Pipeline, Asked], Done]] = {
    "promote": _promote,
    "rollback": _rollback,
    "approve": _approve,
    "reject": _reject,
}
