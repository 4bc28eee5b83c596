"""The application: which address shows what."""

import time
from pathlib import Path

from jinja2 import Environment, PackageLoader
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp

from beltline.base.errors import WrongInput
from beltline.runners.ui.ask_page import AskPage
from beltline.runners.ui.comparison import compare
from beltline.runners.ui.forms import Forms
from beltline.runners.ui.guard import Guard
from beltline.runners.ui.known import Known
from beltline.runners.ui.model_pages import ModelPages
from beltline.runners.ui.model_server import ModelServer
from beltline.runners.ui.monitoring_page import MonitoringPage
from beltline.runners.ui.run import run_routes
from beltline.runners.ui.selection import STATES, Selection

_MOST_COMPARED = 12
_HERE = Path(__file__).parent


def application(known: Known, token: str, port: int, server: ModelServer) -> ASGIApp:
    """Returns the application.

    Args:
      known: the runs of the pipeline.
      token: what a browser must be given to see anything.
      port: the one that the server listens on, at this machine's own address.
      server: what serves the live version.
    """
    pages = _Pages(known)
    forms = Forms(token)
    models = ModelPages(known, forms, pages.page)
    monitoring = MonitoringPage(known.paths.root, known.pipeline, pages.page)
    asking = AskPage(known, server, forms, pages.page)
    routes = [
        Route("/", pages.runs),
        *models.routes(),
        *monitoring.routes(),
        *asking.routes(),
        Route("/compare", pages.compare),
        *run_routes(known, pages.page),
        Mount("/static", StaticFiles(directory=_HERE / "static")),
    ]
    handlers = {HTTPException: pages.refused, WrongInput: pages.unreadable}
    return Guard(Starlette(routes=routes, exception_handlers=handlers), token, port)


class _Pages:
    def __init__(self, known: Known) -> None:
        self._known = known
        self._environment = Environment(
            loader=PackageLoader(__package__, "templates"),
            autoescape=True,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.filters["local"] = _local

    def runs(self, request: Request) -> Response:
        """The runs, latest first."""
        asked = Selection.from_query(request.query_params)
        every = self._known.runs()
        selected = asked.of(every)
        return self.page(
            "runs.html", asked=asked, selected=selected, total=len(every), states=STATES
        )

    def compare(self, request: Request) -> Response:
        """Two runs or more beside each other."""
        asked = list(dict.fromkeys(request.query_params.getlist("run")))
        if not 2 <= len(asked) <= _MOST_COMPARED:
            raise HTTPException(400, f"Select 2 to {_MOST_COMPARED} runs to compare")
        known = {run.run: run for run in self._known.runs()}
        unknown = [run for run in asked if run not in known]
        if unknown:
            raise HTTPException(404, f"Run {unknown[0]} not found")
        found = compare(self._known.facts(asked))
        return self.page("compare.html", runs=[known[run] for run in asked], found=found)

    def refused(self, request: Request, error: Exception) -> Response:
        """Of an address that can't be answered, or a method that it doesn't have."""
        if not isinstance(error, HTTPException):
            raise error
        return self.page(
            "problem.html", error.status_code, title=error.detail, problem=request.url.path
        )

    def unreadable(self, request: Request, error: Exception) -> Response:
        """Of what can't be read now, such as a database that is down."""
        return self.page("problem.html", 503, title="Can't be read", problem=str(error))

    def page(self, template: str, status: int = 200, **values: object) -> Response:
        """Returns the page that a template makes of some values."""
        text = self._environment.get_template(template).render(
            pipeline=self._known.pipeline, **values
        )
        return HTMLResponse(text, status)


def _local(seconds: float | None) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(seconds)) if seconds else "-"
