"""The rows that can't be read, in a file of their own beside the splits.

A line of JSON for each: `file`, `line`, `column` (null where it is about no single one), `reason`,
and `text`.
"""

import json
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import TextIO

from beltline.pipeline.tables import Rejected

FOLDER = "rejects"


class RejectsFile:
    """The file of one unit's rejected rows; without any it is not created."""

    def __init__(self, uri: str, name: str):
        self._path = Path(uri) / FOLDER / f"rows-{name}.jsonl"
        self._stream: TextIO | None = None

    def __enter__(self) -> "RejectsFile":
        return self

    def add(self, rows: Iterable[Rejected]) -> None:
        """Writes some more."""
        for row in rows:
            if self._stream is None:
                self._path.parent.mkdir(parents=True, exist_ok=True)
                self._stream = self._path.open("w", encoding="utf-8")
            self._stream.write(json.dumps(asdict(row), ensure_ascii=False) + "\n")

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._stream is not None:
            self._stream.close()
