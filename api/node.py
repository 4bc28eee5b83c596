"""The nodes of a run: how each ended, its log, and what it made."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import overload

from beltline.api import display
from beltline.runners.choices import check_choice
from beltline.runners.metadata.store import NodeRun
from beltline.runners.report import RunReport
from beltline.storage import folders


@dataclass(frozen=True)
class Node:
    """A node of a run.

    Attributes:
      name: the node's id.
      state: done, cached, failed, refused, skipped, stopped, running or `not run`.
      seconds: how long it took; None where that isn't known.
      reason: why it did not end well.
      log: its log file, if that is on this machine.
      places: where its output artifacts are kept by their key, paths or URLs.
    """

    name: str
    state: str
    seconds: float | None
    reason: str = ""
    log: Path | None = None
    places: dict[str, list[str]] = field(default_factory=dict)

    @property
    def outputs(self) -> dict[str, list[Path]]:
        """The folders of its output artifacts by their key.

        What is kept in an object store is fetched, and stays for as long as this process runs.

        Raises:
          StoreError: it can't be fetched.
        """
        return {
            key: [folders.local(place, stay=True) for place in places]
            for key, places in self.places.items()
        }

    def __repr__(self) -> str:
        took = "" if self.seconds is None else f", {self.seconds:.1f} s"
        why = f": {self.reason}" if self.reason else ""
        return f"<Node {self.name} {self.state}{took}{why}>"


class Nodes(Sequence[Node]):
    """The nodes of a run in the order they started; `["Trainer"]` is the one of that name."""

    def __init__(self, nodes: Sequence[Node], report: RunReport) -> None:
        """Takes the nodes, and the report that shows them."""
        self._nodes = list(nodes)
        self._report = report

    @overload
    def __getitem__(self, key: int | str) -> Node: ...
    @overload
    def __getitem__(self, key: slice) -> list[Node]: ...
    def __getitem__(self, key: int | str | slice) -> Node | list[Node]:
        """Returns a node by its place or its name.

        Raises:
          WrongInput: there is no node of this name.
        """
        if not isinstance(key, str):
            return self._nodes[key]
        check_choice(f"node '{key}' not found", key, [node.name for node in self._nodes])
        return next(node for node in self._nodes if node.name == key)

    def __len__(self) -> int:
        return len(self._nodes)

    def __iter__(self) -> Iterator[Node]:
        return iter(self._nodes)

    def __repr__(self) -> str:
        return "\n".join(map(repr, self._nodes)) or "no node of this run is known"

    def _repr_html_(self) -> str:
        return display.sections(self._report, "nodes")


def nodes_of(report: RunReport, executions: Sequence[NodeRun]) -> Nodes:
    """Returns the nodes of a run.

    Args:
      report: about the run.
      executions: the last execution of each node.
    """
    made = {
        each.node: {
            key: [artifact["uri"] for artifact in found] for key, found in each.outputs.items()
        }
        for each in executions
    }
    nodes = [
        Node(
            each["node"],
            each["state"],
            each["seconds"],
            each["reason"],
            Path(each["log"]) if each["log"] else None,
            made.get(each["node"], {}),
        )
        for each in report.nodes
    ]
    return Nodes(nodes, report)
