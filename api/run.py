"""A run, and the runs of a root."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, overload

from beltline.api import display
from beltline.api.evaluation import Evaluation
from beltline.api.node import Nodes, nodes_of
from beltline.api.rows import rows_of
from beltline.api.statistics import Anomalies, Statistics
from beltline.api.training import TrainingCurves
from beltline.api.version import Version
from beltline.base.errors import WrongInput
from beltline.runners.choices import check_choice
from beltline.runners.history import History, RunSummary
from beltline.runners.report import RunReport, report_of
from beltline.runners.report.settings import flat
from beltline.storage import folders
from beltline.versions.store import Place

if TYPE_CHECKING:
    import pandas as pd

_NAMED = 12


class Run:
    """A run. What is asked for is read once: take the run from its root again to see it move on.

    Attributes:
      id: the run's id.
      state: done, failed, refused, skipped, running or stopped.
      started: when; None where that isn't known.
      seconds: how long it took, or has taken so far.
    """

    def __init__(self, history: History, found: RunSummary, served: Place) -> None:
        """Takes how the run is; what its nodes made is read when it is asked for.

        Args:
          history: of the root that it is in.
          found: the run in that history.
          served: the folder of the pipeline's versions.
        """
        self._history = history
        self._served = served
        self.id = found.run
        self.state = found.state
        self.started = datetime.fromtimestamp(found.started, UTC) if found.started else None
        self.seconds = found.seconds
        self._pushed = found.version

    @cached_property
    def report(self) -> RunReport:
        """The report about the run as an object: what `beltline report --json` prints."""
        return report_of(self._history, self.id, self._served)

    @cached_property
    def nodes(self) -> Nodes:
        """The nodes, by their place or name."""
        return nodes_of(self.report, self._history.executions(self.id))

    @property
    def settings(self) -> dict[str, dict[str, Any]]:
        """The settings that each node was given, by its name."""
        return self.report.settings

    @property
    def hyperparameters(self) -> dict[str, dict[str, Any]]:
        """What the Trainer was given: by section, and as `tuned` what the Tuner found."""
        return self.report.hyperparameters

    @property
    def metrics(self) -> dict[str, float | None]:
        """The metrics on the eval split by name; empty without an Evaluator."""
        return self.evaluation.metrics

    @property
    def why(self) -> list[str]:
        """Why the run was refused or failed, in sentences; empty if it did neither."""
        return self.report.why

    @property
    def statistics(self) -> Statistics:
        """TFDV's statistics of the run's data."""
        made = [each for each in self.nodes if each.name == "StatisticsGen"]
        places = [each for node in made for each in node.places.get("statistics", [])]
        return Statistics(self.report, folders.local(places[0], stay=True) if places else None)

    @property
    def anomalies(self) -> Anomalies:
        """What ExampleValidator found in the data that differs from the schema."""
        return Anomalies(self.report)

    @property
    def evaluation(self) -> Evaluation:
        """What the Evaluator found."""
        return Evaluation(self.report)

    @property
    def curves(self) -> TrainingCurves:
        """The training curves of each learner."""
        return TrainingCurves(self.report)

    @property
    def version(self) -> Version | None:
        """The version that the run pushed; None if it pushed none."""
        if not self._pushed.isdecimal():
            return None
        return Version(self._served, int(self._pushed), lambda: self._history.lineage)

    def rows(
        self, node: str = "ExampleGen", split: str = "train", most: int = 10
    ) -> "pd.DataFrame":
        """Returns the first rows that a node made: of ExampleGen or of Transform.

        Args:
          node: the node.
          split: which of its splits.
          most: how many rows.

        Raises:
          WrongInput: the node made no such rows, or they are no longer there.
        """
        made = self.nodes[node].places
        found = [each for key in ("examples", "transformed_examples") for each in made.get(key, [])]
        if not found:
            raise WrongInput(
                f"run {self.id}: {node} made no rows; ExampleGen and Transform make some"
            )
        wanted = f"Split-{split}/*"
        return rows_of(folders.local(found[0], wanted, stay=True), split, most)

    def __repr__(self) -> str:
        took = "" if self.seconds is None else f", {self.seconds:.1f} s"
        pushed = f", version {self._pushed}" if self._pushed else ""
        return f"<Run {self.id} {self.state}{took}{pushed}>"

    def _repr_html_(self) -> str:
        return display.sections(self.report, "summary", "nodes", "metrics", "version")


class Runs(Sequence[Run]):
    """Runs, oldest first; `[-1]` is the latest, and `["20261130-010716-e132"]` the one of an id."""

    def __init__(self, runs: Sequence[Run]) -> None:
        """Takes the runs."""
        self._runs = list(runs)

    @overload
    def __getitem__(self, key: int | str) -> Run: ...
    @overload
    def __getitem__(self, key: slice) -> "Runs": ...
    def __getitem__(self, key: int | str | slice) -> "Run | Runs":
        """Returns a run by its place or its id, or some of them by a slice.

        Raises:
          IndexError: there are fewer.
          WrongInput: there is no run of this id.
        """
        if isinstance(key, slice):
            return Runs(self._runs[key])
        if isinstance(key, str):
            check_choice(f"run '{key}' not found", key, [run.id for run in self._runs])
            return next(run for run in self._runs if run.id == key)
        if not -len(self._runs) <= key < len(self._runs):
            raise IndexError(f"run {key} of {len(self._runs)}; `beltline run` makes one")
        return self._runs[key]

    def __len__(self) -> int:
        return len(self._runs)

    def __iter__(self) -> Iterator[Run]:
        return iter(self._runs)

    @property
    def metrics(self) -> "pd.DataFrame":
        """The metrics by run and name; a run without an Evaluator has none."""
        import pandas as pd

        found = {run.id: run.metrics for run in self._runs}
        return pd.DataFrame.from_dict(found, orient="index", dtype=float)

    def differences(self) -> "pd.DataFrame":
        """Returns the settings in which these runs differ: a row each, a column by run.

        Where a node didn't run, there is nothing to compare.
        """
        import pandas as pd

        every = {
            run.id: {name: display.text(value) for name, value in flat(run.settings).items()}
            for run in self._runs
        }
        table = pd.DataFrame(every)
        return table[table.nunique(axis="columns") > 1].fillna("")

    def __repr__(self) -> str:
        shown = [repr(run) for run in self._runs[-_NAMED:]]
        more = len(self._runs) - len(shown)
        return "\n".join([*([f"… and {more} before"] if more else []), *shown]) or "no runs yet"

    def _repr_html_(self) -> str:
        return display.template("runs.html", runs=self)
