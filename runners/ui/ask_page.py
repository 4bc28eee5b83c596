"""The page with a form that asks the live model."""

from collections.abc import Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from beltline.runners.ui.forms import FIELD, Form, Forms
from beltline.runners.ui.known import Known
from beltline.runners.ui.model_server import ModelServer, NotAnswered, ask
from beltline.runners.ui.models import Row, live_and_previous, row_of
from beltline.runners.ui.question import fields_of
from beltline.runners.ui.question import row_of as row_to_send


class AskPage:
    """The page; `routes` has its address."""

    def __init__(
        self, known: Known, server: ModelServer, forms: Forms, page: Callable[..., Response]
    ) -> None:
        """Takes what there is, the model's server, these pages' forms, and what writes a page."""
        self._known = known
        self._server = server
        self._forms = forms
        self._write = page

    def routes(self) -> list[Route]:
        """Returns the address of the page."""
        return [
            Route("/ask", self.form),
            Route("/ask", self._forms.answering(self.answer), methods=["POST"]),
        ]

    def form(self, request: Request) -> Response:
        """The form, filled in with an example."""
        live = self._live()
        return self._page(live, fields=fields_of(live.version) if live else [])

    def answer(self, request: Request, form: Form) -> Response:
        """The answer, above the form as it was filled in."""
        live = self._live()
        if live is None:
            return self._page(None, 409)
        fields = fields_of(live.version, form)
        try:
            found = ask(self._server, self._known.pipeline, row_to_send(fields))
        except NotAnswered as error:
            return self._page(live, 502, fields=fields, problem=str(error))
        return self._page(live, fields=fields, answer=found)

    def _live(self) -> Row | None:
        numbers = live_and_previous(self._known.served)
        return row_of(self._known.served, numbers[0]) if numbers else None

    def _page(self, live: Row | None, status: int = 200, **values: Any) -> Response:
        shared = {"live": live, "server": self._server.url}
        return self._write(
            "ask.html", status, field=FIELD, proof=self._forms.proof, **shared, **values
        )
