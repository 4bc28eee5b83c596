"""Which runs the page of runs shows: by state, by what their names contain, a page at a time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlencode

from beltline.runners.history import RunSummary

STATES = ("done", "failed", "refused", "skipped", "running", "stopped")
_PAGE = 50


@dataclass(frozen=True)
class Selection:
    """What the form asks for: a state, a part of the run's id, version or bundle, and a page."""

    state: str = ""
    text: str = ""
    page: int = 1

    @classmethod
    def from_query(cls, query: Mapping[str, str]) -> "Selection":
        """Reads the query of an address; a page that is none is the first."""
        page = query.get("page", "")
        number = int(page) if page.isascii() and page.isdigit() and len(page) < 8 else 1
        return cls(query.get("state", ""), query.get("text", "").strip(), max(number, 1))

    def of(self, runs: Sequence[RunSummary]) -> "Selected":
        """Returns the runs that it selects; a page beyond the last is the last."""
        found = [run for run in runs if self._has(run)]
        pages = max(1, -(-len(found) // _PAGE))
        page = min(self.page, pages)
        return Selected(
            runs=found[(page - 1) * _PAGE : page * _PAGE],
            count=len(found),
            page=page,
            pages=pages,
            newer=self._address(page - 1) if page > 1 else "",
            older=self._address(page + 1) if page < pages else "",
        )

    def _has(self, run: RunSummary) -> bool:
        named = (run.run, run.bundle, f"version {run.version}" if run.version else "")
        text = self.text.casefold()
        return self.state in ("", run.state) and any(text in each.casefold() for each in named)

    def _address(self, page: int) -> str:
        asked = {"state": self.state, "text": self.text, "page": page}
        return "?" + urlencode({name: value for name, value in asked.items() if value})


@dataclass(frozen=True)
class Selected:
    """A page of the selected runs, and the addresses of the pages beside it; empty at an end."""

    runs: list[RunSummary] = field(default_factory=list)
    count: int = 0
    page: int = 1
    pages: int = 1
    newer: str = ""
    older: str = ""
