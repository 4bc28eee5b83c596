"""The nodes of a run on a terminal, as they go: state, time, and what each is doing or has made.

Drawn by Rich, and without its thread: the process that draws forks one for each node. Where there
is no terminal, lines are printed instead, see `runners/progress.py`.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType

from rich.console import Console
from rich.live import Live
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from beltline.base.printable import printable
from beltline.bundle.manifest import Manifest
from beltline.runners.cli.durations import seconds_left
from beltline.runners.local.children import signals_wait
from beltline.runners.local.watch import Watch
from beltline.runners.node.outcome import Outcome
from beltline.runners.progress import detail_of

MARKS = {
    "done": ("✓", "green"),
    "cached": ("=", "green"),
    "skipped": ("-", "dim"),
    "refused": ("✗", "bold red"),
    "failed": ("✗", "bold red"),
}
_TAIL = 4096  # bytes of a log, whose last line says what a node is doing
_SAID = " INFO beltline."


class LiveRun(Watch):
    """A table that is drawn anew several times a second.

    Args:
      manifest: of the bundle.
      nodes: those of this run, in order.
      log: the log of a node.
      usual: how many seconds nodes took in earlier runs.
      console: where to draw.
    """

    every = 0.25

    def __init__(
        self,
        manifest: Manifest,
        nodes: Sequence[str],
        log: Callable[[str], Path],
        usual: Mapping[str, float],
        console: Console | None = None,
    ):
        self._manifest = manifest
        self._nodes = nodes
        self._log = log
        self._usual = usual
        self._begun = time.monotonic()
        self._started: dict[str, float] = {}
        self._seconds: dict[str, float] = {}
        self._outcomes: dict[str, Outcome] = {}
        self._spinners: dict[str, Spinner] = {}
        self._depths = _depths(manifest)
        # Rich's own redirection would hold what others write until the next line is whole.
        self._live = Live(console=console, auto_refresh=False, redirect_stdout=False)

    def __enter__(self) -> "LiveRun":
        try:
            # Rich can't be stopped in the middle of its start, when the cursor is hidden already.
            with signals_wait():
                self._live.start()
            self.waiting()
        except BaseException:
            self._live.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        self.waiting()
        self._live.stop()

    def started(self, node: str) -> None:
        """Shows it at work."""
        self._started[node] = time.monotonic()
        self._spinners[node] = Spinner("dots", style="cyan")
        self.waiting()

    def ended(self, outcome: Outcome, seconds: float) -> None:
        """Shows how it has ended."""
        self._outcomes[outcome.node] = outcome
        self._seconds[outcome.node] = seconds
        self.waiting()

    def waiting(self) -> None:
        """Draws."""
        self._live.update(self._table(), refresh=True)

    def _table(self) -> Table:
        table = Table.grid(padding=(0, 2))
        for justify in ("left", "left", "left", "right"):
            table.add_column(justify=justify, no_wrap=True)
        table.add_column(no_wrap=True, overflow="ellipsis", ratio=1)
        for node in self._nodes:
            table.add_row(*self._row(node))
        table.caption = Text(self._left(), style="dim", justify="left")
        table.expand = True
        return table

    def _row(self, node: str) -> tuple[Text | Spinner, ...]:
        name = Text(" " * self._depths[node] + node)
        if outcome := self._outcomes.get(node):
            mark, style = MARKS[outcome.state]
            state, seconds = Text(outcome.state, style=style), f"{self._seconds[node]:.1f} s"
            return Text(mark, style=style), name, state, Text(seconds), Text(detail_of(outcome))
        usual = f" of {self._usual[node]:.0f}" if node in self._usual else ""
        if node in self._started:
            seconds = f"{time.monotonic() - self._started[node]:.1f}{usual} s"
            said = Text(_last_said(self._log(node)), style="dim")
            return self._spinners[node], name, Text("running", style="cyan"), Text(seconds), said
        name.stylize("dim")
        does = Text(self._manifest.node(node).does, style="dim")
        return Text("·", style="dim"), name, Text(""), Text(""), does

    def _left(self) -> str:
        taken = f"{time.monotonic() - self._begun:.0f} s"
        left = seconds_left(self._manifest, self._nodes, self._usual, self._started, self._seconds)
        if not left:
            return taken
        return f"{taken}; about {left:.0f} s left, by earlier runs"


def _depths(manifest: Manifest) -> dict[str, int]:
    """Returns how many nodes are one after another before each: those alike may run at once."""
    depths: dict[str, int] = {}
    for node in manifest.nodes:
        depths[node.id] = max((depths[each] + 1 for each in node.upstream), default=0)
    return depths


def _last_said(log: Path) -> str:
    """Returns what Beltline logged last of a node that is at work."""
    try:
        with log.open("rb") as file:
            file.seek(max(log.stat().st_size - _TAIL, 0))
            lines = file.read().decode("utf-8", "replace").splitlines()
    except OSError:
        return ""
    said = [line.partition(_SAID)[2] for line in lines if _SAID in line]
    return printable(said[-1].partition(": ")[2]) if said else ""
