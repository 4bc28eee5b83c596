"""The index of the versions in an object store, `versions.json`, and what changes it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from beltline.versions import decisions
from beltline.versions.decisions import Decision
from beltline.versions.store import State


@dataclass(frozen=True)
class Listed:
    """A version in the index: the id of its files, and the digest of the model's."""

    id: str
    digest: str


@dataclass(frozen=True)
class Index:
    """The content of `versions.json`; `last` is the highest number that was ever given."""

    last: int = 0
    seen: int = 0
    history: tuple[int, ...] = ()
    versions: dict[int, Listed] = field(default_factory=dict)
    waiting: dict[int, Listed] = field(default_factory=dict)
    decisions: dict[int, Decision] = field(default_factory=dict)

    @property
    def state(self) -> State:
        """What there is, as all stores say it."""
        there, waits = tuple(sorted(self.versions)), max(self.waiting, default=None)
        return State(there, self.history, self.seen, waits, self.decisions)

    def known(self, digest: str, hold: bool) -> int | None:
        """Returns the version of this model; of one to hold, also that which waits or was rejected.

        None if there is none.
        """
        known = [number for number, each in self.versions.items() if each.digest == digest]
        if hold and not known:
            known = [number for number, each in self.waiting.items() if each.digest == digest]
            return max(known, default=None) or decisions.rejected(self.decisions, digest)
        return max(known, default=None)

    def with_version(self, number: int, listed: Listed, hold: bool) -> "Index":
        """Returns the index with a version more, which waits or not; none else waits."""
        past = self.decisions
        for old, each in self.waiting.items():
            card = {"digest": each.digest}
            decision = decisions.decided("superseded", card, note=f"by version {number}")
            past = decisions.added(past, old, decision)
        return replace(
            self,
            last=number,
            versions=self.versions if hold else {**self.versions, number: listed},
            waiting={number: listed} if hold else {},
            decisions=past,
        )

    def with_decision(self, number: int, decision: Decision) -> "Index":
        """Returns the index with a decision about a version that waits."""
        approved = {number: self.waiting[number]} if decision.verdict == "approved" else {}
        return replace(
            self,
            versions={**self.versions, **approved},
            waiting={n: each for n, each in self.waiting.items() if n != number},
            decisions=decisions.added(self.decisions, number, decision),
        )


def parsed(content: bytes) -> Index:
    """Returns the index in an object.

    Raises:
      ValueError, TypeError, KeyError, AttributeError, RecursionError: it is none.
    """
    found = json.loads(content)
    return Index(
        last=int(found["last"]),
        seen=int(found["seen"]),
        history=tuple(int(number) for number in found["history"]),
        versions=_listed(found["versions"]),
        # An index of an older Beltline has neither.
        waiting=_listed(found.get("waiting", {})),
        decisions=decisions.parsed(found.get("decisions")),
    )


def _listed(found: Mapping[str, Any]) -> dict[int, Listed]:
    return {int(number): Listed(**each) for number, each in found.items()}
