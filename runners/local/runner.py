"""The local runner: runs a bundle's nodes concurrently, each in a process forked from this one.

This process imports TFX once and runs no TensorFlow operation, so that it can fork a child for each
node (see docs/architecture.md). Each node's memory is released when it ends, and each has its log.
"""

import importlib
import logging
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from beltline.base.errors import WrongInput
from beltline.base.loading import loading
from beltline.base.settings.beam import Beam
from beltline.bundle.folder import Bundle
from beltline.bundle.manifest import Node
from beltline.runners.beam.arguments import know_options
from beltline.runners.local.capacity import Capacity, next_node
from beltline.runners.local.children import Children, in_child
from beltline.runners.local.partial import reuse_results
from beltline.runners.local.watch import Watch
from beltline.runners.metadata.reconcile import reconcile
from beltline.runners.metadata.store import Lineage
from beltline.runners.node.outcome import FAILED, Outcome
from beltline.runners.node.run import run_node, set_up_logging
from beltline.runners.paths import Paths

# What the nodes import; imported before the first fork, so that they share it.
SHARED = (
    "tfx.components",
    "tfx.orchestration.local.runner_utils",
    "tfx.orchestration.portable.launcher",
    "tfx.orchestration.portable.partial_run_utils",
)

STOPPED = "stopped, since "
"""How the reason of a node begins that was stopped because of another one."""


@dataclass(frozen=True)
class RunRequest:
    """What to run: `nodes` in order, the `forced` ones even if their results are cached.

    With `log_files`, each node logs to its file in the root, else to where this process does.
    `time_limit` is that of each node, in seconds.
    """

    run: str
    nodes: list[str]
    capacity: Capacity
    forced: frozenset[str] = frozenset()
    parameters: dict[str, str | int] = field(default_factory=dict)
    log_files: bool = True
    time_limit: float | None = None


def run(bundle: Bundle, paths: Paths, request: RunRequest, watch: Watch) -> list[Outcome]:
    """Runs the nodes on results of the latest run where they need any, and returns their outcomes.

    Args and order are those of `run_nodes`.
    """
    _import_shared(paths.beam, request.nodes)
    # First and alone: processes that create the same tables at once conflict.
    Lineage(paths.metadata, bundle.manifest.name)
    if request.nodes != [node.id for node in bundle.manifest.nodes] and not _is_head(
        bundle, request
    ):
        in_child(lambda: reuse_results(bundle, paths, request.run, request.nodes))
    return run_nodes(bundle, paths, request, watch)


def run_nodes(bundle: Bundle, paths: Paths, request: RunRequest, watch: Watch) -> list[Outcome]:
    """Runs nodes, those upstream of which have run in this run; returns their outcomes, in order.

    When a node fails or refuses, the nodes after it in the order are stopped, or not started. Those
    before it go on, so that the first node to fail is the same as in a sequential run: Transform
    may fail on data that the data gate is about to refuse.

    Args:
      bundle: the bundle.
      paths: the root, ML Metadata and the data.
      request: what to run.
      watch: is told what happens.
    """
    _import_shared(paths.beam, request.nodes)
    with Children() as children:
        return _Run(bundle, paths, request, watch, children).to_its_end()


def _import_shared(beam: Beam, nodes: list[str]) -> None:
    with loading():
        for module in SHARED:
            importlib.import_module(module)
        for node in nodes:
            know_options(beam, node)


def _is_head(bundle: Bundle, request: RunRequest) -> bool:
    """Returns whether all upstream nodes of the chosen ones are chosen."""
    chosen = set(request.nodes)
    return all(set(bundle.manifest.node(node).upstream) <= chosen for node in chosen)


@dataclass
class _Run:
    bundle: Bundle
    paths: Paths
    request: RunRequest
    watch: Watch
    children: Children
    outcomes: dict[str, Outcome] = field(default_factory=dict)
    started: dict[str, float] = field(default_factory=dict)

    def to_its_end(self) -> list[Outcome]:
        nodes = [self.bundle.manifest.node(node) for node in self.request.nodes]
        self._begin(nodes)
        while self.children.names:
            outcome = self._next()
            self._end(outcome)
            if outcome.exit_code == FAILED:
                node = outcome.node
                nodes = nodes[: [each.id for each in nodes].index(node)]
                self._stop_all_but(nodes, f"{STOPPED}{node} {outcome.state}")
            self._begin(nodes)
        return [self.outcomes[node] for node in self.request.nodes if node in self.outcomes]

    def _next(self) -> Outcome:
        """Waits for the next node to end, or for the end of its time."""
        limit = self.request.time_limit
        longest = min(self.children.names, key=lambda node: self.started[node])
        if (ended := self._wait(self.started[longest] + limit if limit else None)) is None:
            answer = self.children.stop([longest])[longest]
            # It may have been complete before it heard of it, and ML Metadata says so then.
            if answer and not (outcome := Outcome.from_line(answer)).exit_code:
                return outcome
            reason = f"stopped at its time limit of {(limit or 0) / 60:g} minutes"
            self._reconcile(longest, reason)
            return Outcome(longest, "failed", reason=reason)
        node, answer = ended
        return Outcome.from_line(answer) if answer else self._killed(node)

    def _wait(self, until: float | None) -> tuple[str, str] | None:
        """Waits for a node to end, and returns None if none does before this time."""
        while True:
            left = None if until is None else max(until - time.monotonic(), 0)
            turn = min(
                (each for each in (left, self.watch.every) if each is not None), default=None
            )
            if ended := self.children.next(turn):
                return ended
            if turn == left:
                return None
            self.watch.waiting()

    def _begin(self, nodes: list[Node]) -> None:
        """Starts every node that can start now."""
        while node := next_node(nodes, self.outcomes, self.children.names, self.request.capacity):
            self.started[node] = time.monotonic()
            self.children.start(node, self._work(node))
            self.watch.started(node)

    def _end(self, outcome: Outcome) -> None:
        self.outcomes[outcome.node] = outcome
        self.watch.ended(outcome, time.monotonic() - self.started[outcome.node])

    def _stop_all_but(self, nodes: list[Node], reason: str) -> None:
        kept = {node.id for node in nodes}
        for node in self.children.stop([each for each in self.children.names if each not in kept]):
            self._reconcile(node, reason)

    def _killed(self, node: str) -> Outcome:
        """Returns the outcome of a node whose process was killed."""
        log = self.paths.log(self.request.run, node)
        where = f"; the log is {log}" if self.request.log_files else ""
        reason = f"its process was killed (out of memory?){where}"
        self._reconcile(node, reason)
        return Outcome(node, "failed", reason=reason)

    def _reconcile(self, node: str, reason: str) -> None:
        reconcile(self.paths, self.bundle.manifest.name, self.request.run, reason, [node])

    def _work(self, node: str) -> Callable[[], str]:
        request = self.request

        def work() -> str:
            if request.log_files:
                _redirect(self.paths.log(request.run, node))
            set_up_logging("" if request.log_files else node)
            if not request.log_files:
                # Not every node logs something; whoever reads the log looks for each.
                logging.getLogger("beltline.node").info("started")
            force = node in request.forced
            try:
                outcome = run_node(
                    self.bundle, node, request.run, self.paths, request.parameters, force
                )
            except WrongInput as error:
                outcome = Outcome(node, "failed", reason=str(error))
            if outcome.reason:
                logging.getLogger("beltline.node").info("%s: %s", outcome.state, outcome.reason)
            return outcome.line()

        return work


def _redirect(log: Path) -> None:
    log.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    for stream in (1, 2):
        os.dup2(descriptor, stream)
    os.close(descriptor)
