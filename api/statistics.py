"""The statistics of a run's data, and what in the data differs from the schema."""

from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

from tensorflow_metadata.proto.v0.statistics_pb2 import DatasetFeatureStatisticsList

from beltline.api import display
from beltline.base.errors import WrongInput
from beltline.runners.report import RunReport
from beltline.runners.report.statistics import columns_of, of_splits

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa


class SplitStatistics:
    """TFDV's statistics of one split.

    Attributes:
      split: `train` or `eval`.
      proto: TFDV's own message, for its functions: what `load_stats_binary` returns.
    """

    def __init__(self, split: str, proto: DatasetFeatureStatisticsList) -> None:
        """Takes the message."""
        self.split = split
        self.proto = proto

    @property
    def rows(self) -> int:
        """How many rows the split has."""
        return int(self.proto.datasets[0].num_examples)

    @cached_property
    def frame(self) -> "pd.DataFrame":
        """A row for each column of the data, by its name.

        `type`, `rows`, `missing`, and `unique` (of texts: TFDV doesn't count numbers); of numbers
        `mean`, `deviation`, `least`, `median`, `greatest` and `zeros`, and of texts `top`, the most
        frequent values as `[value, rows]`.
        """
        import pandas as pd

        columns = columns_of({self.split: self.proto.datasets[0]})
        values = [
            {"column": each["column"], "type": each["type"], **each["of"][self.split]}
            for each in columns
        ]
        named = ["column", "type", "rows", "missing", "unique"]
        names = list(dict.fromkeys([*named, *(name for row in values for name in row)]))
        names = [name for name in names if name != "buckets"]
        return pd.DataFrame(values, columns=names).set_index("column")

    @property
    def table(self) -> "pa.Table":
        """The same as `frame`, as an Arrow table."""
        import pyarrow as pa

        frame = self.frame.reset_index()
        if "top" in frame:
            frame["top"] = frame["top"].map(_named)
        return pa.Table.from_pandas(frame, preserve_index=False)

    def __repr__(self) -> str:
        columns = len(self.proto.datasets[0].features)
        return f"<Statistics of {self.split}: {self.rows:,} rows, {columns} columns>"

    def _repr_html_(self) -> str:
        return str(self.frame.to_html(na_rep="-", float_format="{:.6g}".format, border=0))


def _named(top: Any) -> list[dict[str, Any]] | None:
    """Returns the most frequent values as Arrow can hold them, all of one type."""
    return [{"value": v, "rows": n} for v, n in top] if isinstance(top, list) else None


class Statistics:
    """The statistics of a run's data by split. It is false where there are none."""

    def __init__(self, report: RunReport, folder: Path | None) -> None:
        """Reads them.

        Args:
          report: about the run.
          folder: the artifact of StatisticsGen; None where there is none.
        """
        self._report = report
        found = of_splits(folder) if folder else {}
        self.splits = {
            split: SplitStatistics(split, DatasetFeatureStatisticsList(datasets=[dataset]))
            for split, dataset in found.items()
        }

    @property
    def train(self) -> SplitStatistics:
        """Those of the train split. Raises WrongInput: there are none."""
        return self._of("train")

    @property
    def eval(self) -> SplitStatistics:
        """Those of the eval split. Raises WrongInput: there are none."""
        return self._of("eval")

    def _of(self, split: str) -> SplitStatistics:
        if split not in self.splits:
            why = self._report.missing.get("columns", "Its artifact is no longer there.")
            raise WrongInput(f"run {self._report.run['run']} has no statistics of {split}. {why}")
        return self.splits[split]

    def __bool__(self) -> bool:
        return bool(self.splits)

    def __repr__(self) -> str:
        return "\n".join(map(repr, self.splits.values())) or display.missing(
            self._report, "columns"
        )

    def _repr_html_(self) -> str:
        return display.sections(self._report, "columns")


class Anomalies(Sequence[dict[str, Any]]):
    """What differs from the schema: each with `column`, `what`, `blocks` and `splits`.

    What `blocks` stops a run at the data gate; a warning does not.
    """

    def __init__(self, report: RunReport) -> None:
        """Takes them from the report about the run."""
        self._found = report.columns.anomalies

    @property
    def frame(self) -> "pd.DataFrame":
        """A row for each."""
        import pandas as pd

        return pd.DataFrame(self._found, columns=["column", "what", "blocks", "splits"])

    @overload
    def __getitem__(self, key: int) -> dict[str, Any]: ...
    @overload
    def __getitem__(self, key: slice) -> list[dict[str, Any]]: ...
    def __getitem__(self, key: int | slice) -> dict[str, Any] | list[dict[str, Any]]:
        return self._found[key]

    def __len__(self) -> int:
        return len(self._found)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return iter(self._found)

    def __repr__(self) -> str:
        lines = [
            f"{each['column']}: {each['what']} ({'refused' if each['blocks'] else 'warned'}, "
            f"{', '.join(each['splits'])})"
            for each in self._found
        ]
        return "\n".join(lines) or "no anomalies"

    def _repr_html_(self) -> str:
        return display.template("anomalies.html", anomalies=self._found)
