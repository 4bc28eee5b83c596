"""ExampleGen's configuration, parsed from its execution properties."""

import json
from collections.abc import Callable, Mapping
from functools import cached_property, partial
from typing import Any

import numpy as np
import pyarrow as pa

from beltline.pipeline import tables
from beltline.pipeline.components.examples.row_split import rows_of_splits
from beltline.pipeline.components.examples.shards import Shards
from beltline.pipeline.components.examples.stratified_split import stratified_split
from beltline.pipeline.components.examples.time_split import TimeSplit, time_split
from beltline.pipeline.tables.sources import Source


def source_of(properties: Mapping[str, Any]) -> Source:
    """Returns where the data are."""
    return Source(**{key: properties[key] for key in ("path", "query", "changed_by", "span")})


class ExampleGenConfig:
    """The execution properties, parsed.

    Columns are written as their expected kinds wherever their values allow it. That they do is
    found out while writing; only where they don't are all the data looked at beforehand.
    """

    def __init__(self, properties: Mapping[str, Any]):
        self.splits: dict[str, float] = json.loads(properties["splits"])
        self.files: list[tables.Table] = source_of(properties).find().tables
        self._expected: dict[str, tables.Kind] = json.loads(properties["kinds"])
        self._exclude = set(json.loads(properties["exclude"]))
        self._split_by: str = properties["split_by"]
        self._time_gap: str = properties["time_gap"]
        self._stratify_by: str = properties["stratify_by"]
        self._drop_without: str = properties["drop_without"]
        self._reject = properties["unreadable"] == "reject"

    @cached_property
    def units(self) -> list[tables.Unit]:
        """The parts of the data."""
        return tables.units(self.files, tables.RANGE, self._reject)

    @cached_property
    def _names(self) -> list[str]:
        return [name for name in tables.column_names(self.files) if name not in self._exclude]

    def likely_kinds(self) -> dict[str, tables.Kind]:
        """Returns the kind of each column to write, provided the expected ones hold."""
        unknown = [name for name in self._names if name not in self._expected]
        found = tables.column_kinds(self.files, unknown, reject=self._reject) if unknown else {}
        return {name: self._expected.get(name) or found[name] for name in self._names}

    def found_kinds(self) -> dict[str, tables.Kind]:
        """Returns the kind of each column to write; reads all the data."""
        # Whatever the values are, they can be written as text: such columns need no look.
        look = [name for name in self._names if self._expected.get(name) != "text"]
        found = tables.column_kinds(self.files, look, self._expected, self._reject)
        return {name: found.get(name, "text") for name in self._names}

    def shards(self, uri: str, kinds: Mapping[str, tables.Kind]) -> Shards:
        """Returns what writes the units to `uri`.

        Raises:
          OtherKind: the rows had to be read for the split, and a value is not of its kind.
        """
        unwritten: dict[str, tables.Kind] = {}
        # A column that is excluded, such as a customer's number, may still keep rows together.
        if self._split_by not in ("", *kinds):
            unwritten = {self._split_by: self._kind_of_split}
        return Shards(
            uri=uri,
            units=len(self.units),
            kinds=kinds,
            unwritten=unwritten,
            splits=list(self.splits),
            rows_of_splits=self._rows_of_splits(kinds),
            drop_without=self._drop_without,
        )

    @cached_property
    def _kind_of_split(self) -> tables.Kind:
        """The kind that holds all values of the column that decides the split; reads it."""
        found = tables.column_kinds(self.files, [self._split_by], reject=self._reject)
        return found[self._split_by]

    def _rows_of_splits(
        self, kinds: Mapping[str, tables.Kind]
    ) -> Callable[[pa.RecordBatch], Mapping[str, np.ndarray]]:
        if self._stratify_by:
            return stratified_split(self._stratify_by, self.units, kinds, self.splits)
        if self._time_gap:
            return self._time_split
        return partial(rows_of_splits, shares=self.splits, split_by=self._split_by)

    @cached_property
    def _time_split(self) -> TimeSplit:
        return time_split(
            self._split_by,
            self.units,
            self._kind_of_split,
            self.splits,
            float(self._time_gap),
            self._drop_without,
        )
