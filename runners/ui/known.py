"""The runs of a pipeline, read again only when ML Metadata has changed."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import chain
from pathlib import Path

from ml_metadata import ListOptions, OrderByField
from ml_metadata.errors import StatusError

from beltline.base.database_url import sqlite_file
from beltline.base.errors import WrongInput
from beltline.runners.history import History, RunSummary
from beltline.runners.metadata.origin import Origin, origin
from beltline.runners.metadata.store import Lineage, NodeRun
from beltline.runners.paths import Paths
from beltline.runners.report import RunReport, report_of
from beltline.runners.ui.comparison import Facts, facts_of
from beltline.runners.ui.details import RunDetails, run_details
from beltline.versions.folder import Version
from beltline.versions.store import Place

# The executions that are looked at for a change; of more changes, every run is read again.
_LATEST = 20
# An execution's id, and when it has last changed.
_Change = tuple[int, int]


class Known:
    """What the pages read from. Calls wait for each other: a connection is of one thread at a time.

    Attributes:
      paths: the places of the runs.
      pipeline: the pipeline's name.
      served: where its versions are.
    """

    def __init__(self, paths: Paths, pipeline: str, served: Place) -> None:
        """Takes the places of one pipeline's runs and versions; nothing is read yet."""
        self.paths = paths
        self.pipeline = pipeline
        self.served = served
        self._logs: set[tuple[str, str]] = set()
        self._lineage: _RememberingLineage | None = None
        self._one_at_a_time = threading.Lock()

    def runs(self) -> list[RunSummary]:
        """Returns every run, latest first.

        Raises:
          WrongInput: ML Metadata can't be read.
        """
        with self._reading() as history:
            return history.runs()[::-1]

    def origin(self, version: Version) -> Origin:
        """Returns the origin of a version.

        Raises:
          WrongInput: ML Metadata can't be opened, or doesn't know the version's run.
        """
        with self._reading() as history:
            if history.lineage is None:
                raise WrongInput(f"run {version.run} not found: there is no ML Metadata yet")
            return origin(history.lineage, version)

    def facts(self, runs: Sequence[str]) -> list[Facts]:
        """Returns what these runs are compared by; they are known ones.

        Raises:
          WrongInput: ML Metadata can't be read.
        """
        with self._reading() as history:
            return [facts_of(history.lineage, history.executions(run)) for run in runs]

    def details(self, run: str, node: str) -> RunDetails | None:
        """Returns a run with the details of a node as `run_details` does; None if it isn't known.

        Raises:
          WrongInput: ML Metadata can't be read.
        """
        with self._reading() as history:
            return run_details(history, run, node) if history.knows(run) else None

    def report(self, run: str) -> RunReport | None:
        """Returns the report about a run; None if it isn't known.

        Raises:
          WrongInput: ML Metadata can't be read, or an artifact can't be read.
        """
        with self._reading() as history:
            return report_of(history, run, self.served) if history.knows(run) else None

    def log(self, run: str, node: str) -> Path | None:
        """Returns the log of a node, which may not be there yet; None if either isn't known.

        Raises:
          WrongInput: ML Metadata can't be read.
        """
        # What is known stays so: a log that grows is asked for twice a second.
        if (run, node) not in self._logs:
            with self._reading() as history:
                nodes = history.nodes(run) if history.knows(run) else []
                if all(each.node != node for each in nodes):
                    return None
                self._logs.add((run, node))
        return self.paths.log(run, node)

    @contextmanager
    def _reading(self) -> Iterator[History]:
        with self._one_at_a_time:
            try:
                yield self._history()
            except StatusError as error:
                # The server may have been restarted: the next page connects anew.
                self._lineage = None
                why = str(error).partition("\n")[0].partition(" query:")[0]
                raise WrongInput(f"ML Metadata can't be read: {why}; load the page again") from None

    def _history(self) -> History:
        file = sqlite_file(self.paths.metadata)
        # Opening it would create it.
        if self._lineage is None and not (file and not file.exists()):
            self._lineage = _RememberingLineage(self.paths.metadata, self.pipeline)
        return History(self.paths, self.pipeline, self._lineage)


class _RememberingLineage(Lineage):
    """Reads a run again only after it has changed."""

    def __init__(self, url: str, pipeline: str) -> None:
        super().__init__(url, pipeline)
        self._seen: set[_Change] = set()
        self._every: dict[str, list[NodeRun]] = {}

    def every_node(self) -> dict[str, list[NodeRun]]:
        """Returns the nodes of every run."""
        # Before they are read: what changes meanwhile is read next time.
        latest, runs = self._latest(), self.runs()
        changed = latest - self._seen
        if len(changed) == _LATEST or not self._every:
            # There may be more than these.
            self._every = super().every_node()
        else:
            again = self._runs_of([execution for execution, _ in changed])
            for run in runs:
                if run in again or run not in self._every:
                    self._every[run] = self.nodes(run)
        self._seen = latest
        return self._every

    def _latest(self) -> set[_Change]:
        by_time = ListOptions(limit=_LATEST, order_by=OrderByField.UPDATE_TIME, is_asc=False)
        latest = self.store.get_executions(by_time)
        return {(each.id, each.last_update_time_since_epoch) for each in latest}

    def _runs_of(self, executions: Sequence[int]) -> set[str]:
        contexts = [self.store.get_contexts_by_execution(each) for each in executions]
        return {each.name for each in chain(*contexts) if each.type == "pipeline_run"}
