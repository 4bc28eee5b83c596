"""A served version, and all versions of a pipeline."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

from beltline.api import display
from beltline.api.rows import table_of
from beltline.base.errors import WrongInput
from beltline.versions import folder
from beltline.versions.live import live
from beltline.versions.loaded.errors import BrokenVersion, ModelFailed, WrongValues
from beltline.versions.store import Place, store_of

if TYPE_CHECKING:
    import pandas as pd

    from beltline.runners.metadata.origin import Origin
    from beltline.runners.metadata.store import Lineage


class Version:
    """A served version, or one that waits for approval.

    Its card is read once; what may change, such as `live`, each time.

    Attributes:
      number: the version's number.
      card: what the push wrote down about it; None if the version no longer exists.
    """

    def __init__(self, served: Place, number: int, lineage: Callable[[], "Lineage | None"]) -> None:
        """Reads the card.

        Args:
          served: the folder of the pipeline's versions.
          number: the version's number.
          lineage: returns the pipeline's ML Metadata; None where there is none.
        """
        self._served = served
        self._lineage = lineage
        self.number = number
        self.card = folder.known(served, number)

    @property
    def kept(self) -> bool:
        """Whether the version still exists; one that waits does."""
        return self.waiting or self.number in folder.numbers(self._served)

    @property
    def waiting(self) -> bool:
        """Whether it waits for approval."""
        return store_of(self._served).state().waiting == self.number

    @property
    def live(self) -> bool:
        """Whether it is the live one."""
        return live(self._served) == self.number

    @property
    def path(self) -> Path:
        """The folder of its SavedModel on this machine. Raises WrongInput: it no longer exists."""
        return self._known().path

    @property
    def run(self) -> str:
        """The id of the run that pushed it; empty if its card has none."""
        return self.card.run if self.card else ""

    @property
    def pushed(self) -> datetime | None:
        """When it was pushed; None if that isn't known."""
        try:
            return datetime.fromisoformat(self.card.pushed) if self.card else None
        except ValueError:
            return None

    @property
    def digest(self) -> str:
        """The digest of the model's files; empty if its card has none."""
        return self.card.digest if self.card else ""

    @property
    def metrics(self) -> dict[str, float]:
        """The metrics that the gates judged it by."""
        return self.card.metrics if self.card else {}

    @property
    def columns(self) -> dict[str, str]:
        """The columns that it reads, each with its kind: `integer`, `number` or `text`."""
        return dict(self.card.problem.get("columns") or {}) if self.card else {}

    @cached_property
    def lineage(self) -> "Origin":
        """Data, schema, code, settings, champion, executions: as `beltline lineage` has them.

        Raises:
          WrongInput: the version no longer exists, or ML Metadata doesn't know its run.
        """
        from beltline.runners.metadata.origin import origin

        lineage = self._lineage()
        if lineage is None:
            raise WrongInput(f"version {self.number}: there is no ML Metadata, so no lineage")
        return origin(lineage, self._known())

    def predict(self, rows: Any) -> "pd.DataFrame":
        """Returns the answers to rows, one each and in their order.

        They are those of `beltline predict` and of the server: the same reading of values, the same
        signature. The first call loads the version into this process, which takes seconds.

        Args:
          rows: a mapping from columns to values, a list of them, a pandas DataFrame, or an Arrow
            table. Columns that the model doesn't read are ignored.

        Raises:
          WrongInput: the version no longer exists, a column is missing, or a value is not of its
            column's kind.
        """
        from beltline.api.predictions import answers

        version = self._known()
        try:
            folder.fetch(self._served, version)
            return answers(version, table_of(rows))
        except (BrokenVersion, ModelFailed, WrongValues) as error:
            raise WrongInput(str(error)) from error

    def explain(self, row: Any) -> "pd.DataFrame":
        """Returns how the answer to one row changes where a column has its usual value.

        A column for itself: `value`, `usual` (the median or the most frequent value of the
        training rows), `answer` with that one, and `effect`, the answer to the row less that one,
        by which they are sorted. Columns that only count together show no effect.

        Raises:
          WrongInput: as `predict` does; or these are several rows, or the version has no statistics
            of its training rows.
        """
        from beltline.api.explanation import explained

        return explained(self, row)

    def _known(self) -> folder.Version:
        # Read again: an approval moves the files.
        found = folder.known(self._served, self.number)
        if found is None:
            raise WrongInput(f"version {self.number} has been deleted from {self._served}")
        return found

    def __repr__(self) -> str:
        if not self.kept:
            return f"<Version {self.number}, deleted>"
        metrics = "".join(
            f", {name} {display.number(value)}" for name, value in self.metrics.items()
        )
        state = ", live" if self.live else ", waiting" if self.waiting else ""
        return f"<Version {self.number}{state}{metrics}>"

    def _repr_html_(self) -> str:
        return display.template("version.html", version=self)


class Versions(Sequence[Version]):
    """The served versions, oldest first, as they are when this was made.

    One that waits for approval is none of them: `waiting` has it.
    """

    def __init__(self, served: Place, lineage: Callable[[], "Lineage | None"]) -> None:
        """Finds them; the arguments are those of a `Version`."""
        self._served = served
        self._lineage = lineage
        self._numbers = folder.numbers(served)

    @property
    def live(self) -> Version | None:
        """The live version; None if there is none."""
        number = live(self._served)
        return None if number is None else Version(self._served, number, self._lineage)

    @property
    def waiting(self) -> Version | None:
        """The version that waits for approval; None if none does."""
        number = store_of(self._served).state().waiting
        return None if number is None else Version(self._served, number, self._lineage)

    def find(self, number: int) -> Version:
        """Returns the version of a number, also of the one that waits for approval.

        Raises:
          WrongInput: there is none.
        """
        if number not in self._numbers and number != store_of(self._served).state().waiting:
            known = ", ".join(map(str, self._numbers))
            raise WrongInput(f"version {number} not found ({known or 'none pushed yet'})")
        return Version(self._served, number, self._lineage)

    @overload
    def __getitem__(self, key: int) -> Version: ...
    @overload
    def __getitem__(self, key: slice) -> list[Version]: ...
    def __getitem__(self, key: int | slice) -> Version | list[Version]:
        """Returns a version by its place: `[-1]` is the newest, `find` takes a number."""
        if isinstance(key, slice):
            return [self.find(number) for number in self._numbers[key]]
        if not -len(self) <= key < len(self):
            raise IndexError(f"version {key} of {len(self)}; `beltline run` pushes one")
        return self.find(self._numbers[key])

    def __len__(self) -> int:
        return len(self._numbers)

    def __iter__(self) -> Iterator[Version]:
        return (self.find(number) for number in self._numbers)

    def __repr__(self) -> str:
        return "\n".join(map(repr, self.shown)) or "no version has been pushed yet"

    @property
    def shown(self) -> list[Version]:
        """The versions, oldest first, and then the one that waits for approval."""
        held = self.waiting
        return [*self, *([held] if held else [])]

    def _repr_html_(self) -> str:
        return display.template("versions.html", versions=self)
