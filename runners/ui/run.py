"""The pages of one run: its graph, a node with its log, and the report."""

from collections.abc import Callable

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from beltline.runners.report.graph import picture
from beltline.runners.report.page import page as report_page
from beltline.runners.ui.known import Known
from beltline.runners.ui.node_log import read_from, tail

# The report has its styles within it. It has no scripts, and none would run.
_REPORT_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; sandbox; form-action 'none'; "
    "frame-ancestors 'none'; base-uri 'none'"
)


def run_routes(known: Known, page: Callable[..., Response]) -> list[Route]:
    """Returns the addresses of the pages.

    Args:
      known: the runs of the pipeline.
      page: makes a response of a template's name and its values.
    """
    pages = _RunPages(known, page)
    # Other runners' ids may have a slash.
    return [
        Route("/runs/{run:path}/nodes/{node}/log", pages.log),
        Route("/runs/{run:path}/nodes/{node}", pages.run),
        Route("/runs/{run:path}/report", pages.report),
        Route("/runs/{run:path}", pages.run),
    ]


class _RunPages:
    def __init__(self, known: Known, page: Callable[..., Response]) -> None:
        self._known = known
        self._page = page

    def run(self, request: Request) -> Response:
        """A run with its graph, and the node that was asked for, or that matters most."""
        run, node = request.path_params["run"], request.path_params.get("node", "")
        found = self._known.details(run, node)
        if found is None:
            raise HTTPException(404, f"Run {run} not found")
        if node and found.selected is None:
            raise HTTPException(404, f"Node {node} not found in run {run}")
        log = self._known.log(run, found.selected.summary.node) if found.selected else None
        return self._page(
            "run.html",
            run=found.summary,
            nodes=found.nodes,
            states={each.node: each for each in found.nodes},
            graph=picture(found.upstream) if found.upstream else None,
            selected=found.selected,
            log=tail(log) if log else None,
        )

    def log(self, request: Request) -> Response:
        """What the log of a node has from a byte on, as JSON."""
        log = self._known.log(request.path_params["run"], request.path_params["node"])
        if log is None:
            raise HTTPException(404, "Log not found")
        start = request.query_params.get("from", "")
        number = int(start) if start.isascii() and start.isdigit() and len(start) < 16 else 0
        piece = read_from(log, number)
        return JSONResponse(
            {"start": piece.start, "end": piece.end, "text": piece.text, "more": piece.more}
        )

    def report(self, request: Request) -> Response:
        """The report about a run, as `beltline report` writes it."""
        found = self._known.report(request.path_params["run"])
        if found is None:
            raise HTTPException(404, f"Run {request.path_params['run']} not found")
        return HTMLResponse(report_page(found), headers={"content-security-policy": _REPORT_POLICY})
