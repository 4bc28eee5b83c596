"""Where versions are kept: a folder on a disk, or a prefix in an object store.

What both must do is `VersionStore`; which version is live, and which ones are deleted, is decided
above it, in `live.py` and `retention.py`.
"""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from beltline.storage.url import ObjectUrl, is_url, parse
from beltline.versions.decisions import Decision

Place = Path | ObjectUrl
"""Where the versions of one model are."""

LIVE_WHEN_HELD = "live_when_held"
"""On the card of a version that waited: which version was live at that time, 0 for none."""


@dataclass(frozen=True)
class State:
    """What there is, seen at one moment."""

    numbers: tuple[int, ...] = ()
    """The versions, ascending."""
    history: tuple[int, ...] = ()
    """The versions that were live when somebody last chose, in order, the last being live."""
    seen: int = 0
    """The highest number at that time: a later push is live by its number alone."""
    waiting: int | None = None
    """The version that waits for approval; it is above all of `numbers`, and none of them."""
    decisions: Mapping[int, Decision] = field(default_factory=dict)
    """What became of versions that waited, by number."""


class VersionStore(Protocol):
    """The versions of one model. Readers see a version whole, or not at all."""

    def state(self) -> State:
        """Returns what there is. Raises OSError: it can't be read."""
        ...

    def locked(self) -> AbstractContextManager[None]:
        """Returns a context for changes: one writer at a time. Raises OSError."""
        ...

    def choose(self, history: Sequence[int], seen: int) -> None:
        """Records a choice of the live version, by one write; the caller holds the lock."""
        ...

    def announce(self, live: int) -> None:
        """Tells other servers which version is live; the caller holds the lock."""
        ...

    def card(self, number: int) -> Mapping[str, Any]:
        """Returns a version's card, also of one that waits; empty if it can't be read."""
        ...

    def path(self, number: int) -> Path:
        """Returns the folder of a version's files on this machine, once they are fetched."""
        ...

    def fetch(self, number: int) -> None:
        """Makes the files of a version readable at `path`.

        Raises BrokenVersion: they are not those that were pushed. OSError: they can't be read.
        """
        ...

    def push(
        self,
        model: Path,
        digest: str,
        card: Mapping[str, Any],
        extra: Mapping[Path, Path],
        hold: bool = False,
    ) -> tuple[int, bool]:
        """Adds a version, see `push.py`; returns its number, and whether it is new.

        The version that waits is superseded. With `hold`, the new one waits in its place.
        """
        ...

    def decide(self, number: int, decision: Decision) -> None:
        """Records a decision about the version that waits, and then carries it out.

        It becomes a version or is deleted; the caller holds the lock.
        """
        ...

    def remove(self, numbers: Sequence[int]) -> None:
        """Deletes versions, and what killed pushes have left; the caller holds the lock."""
        ...


def store_of(place: Place) -> VersionStore:
    """Returns the store of a model's versions; nothing is read yet."""
    if isinstance(place, Path):
        from beltline.versions.local import LocalVersions

        return LocalVersions(place)
    # This imports Arrow.
    from beltline.versions.remote import RemoteVersions

    return RemoteVersions(place)


def shown(place: Place, number: int | str) -> str:
    """Returns what a message calls a version: its folder, or its number at a URL."""
    return str(place / str(number)) if isinstance(place, Path) else f"{place} version {number}"


def place_of(root: Path, directory: str, name: str = "") -> Place:
    """Returns where versions are: below a URL, or below a folder that is relative to the root.

    Raises:
      WrongInput: it is a URL of another kind.
    """
    if not is_url(directory):
        return root / directory / name
    return parse(directory) / name if name else parse(directory)
