"""The pages of the model's versions: the list, one version, and what is done to them.

Whatever changes something takes two POSTs: the first shows what will happen, the second does it.
"""

from collections.abc import Callable
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from beltline.base.errors import WrongInput
from beltline.runners.report.page import metric
from beltline.runners.ui.changes import VERBS, Asked, Pipeline, act, target
from beltline.runners.ui.forms import FIELD, Form, Forms
from beltline.runners.ui.known import Known
from beltline.runners.ui.lineage import drawing
from beltline.runners.ui.models import Row, live_and_previous, overview, row_of
from beltline.versions.decisions import user_name
from beltline.versions.live import LiveChanged

# Numbers of versions are counted from 1.
_LONGEST_NUMBER = 9
_LONGEST_TEXT = 1000

Page = Callable[..., Response]


class ModelPages:
    """The pages; `routes` has their addresses."""

    def __init__(self, known: Known, forms: Forms, page: Page) -> None:
        """Takes what they show.

        Args:
          known: the runs and the versions.
          forms: those of this server.
          page: returns a page from the name of a template, a status, and the template's values.
        """
        self._known = known
        self._pipeline = Pipeline(known.paths, known.pipeline, known.served)
        self._forms = forms
        self._write = page

    def routes(self) -> list[Route]:
        """Returns the addresses of the pages."""
        at = "/models/{version}/{action}"
        forms = self._forms
        return [
            Route("/models", self.models),
            Route("/models/{version}", self.model),
            Route(at, forms.answering(self.confirm), methods=["POST"]),
            Route(f"{at}/confirmed", forms.answering(self.confirmed), methods=["POST"]),
        ]

    def models(self, request: Request) -> Response:
        """Every version, the newest first."""
        return self._page("models.html", found=overview(self._known.served))

    def model(self, request: Request) -> Response:
        """One version, and its lineage."""
        row = self._row(_number(request))
        problem, drawn = "", None
        try:
            drawn = drawing(self._known.origin(row.version), row.version, row.state)
        except WrongInput as error:
            problem = str(error)
        return self._page("model.html", row=row, drawn=drawn, problem=problem)

    def confirm(self, request: Request, form: Form) -> Response:
        """What an action will change."""
        action, row = _action(request), self._row(_number(request))
        seen = live_and_previous(self._known.served)
        number = row.version.number
        then = target(action, number, seen)
        if action not in row.actions or (action == "rollback" and seen[:1] != [number]):
            raise HTTPException(409, f"Version {number} can't be changed so; open the page again")
        place = self._known.served
        sides = [row_of(place, each) for each in dict.fromkeys([*seen[:1], then]) if each]
        return self._page(
            "confirm.html",
            action=action,
            row=row,
            seen=seen,
            then=then,
            sides=[each for each in sides if each],
            user=user_name(),
        )

    def confirmed(self, request: Request, form: Form) -> Response:
        """The action itself, as it was confirmed."""
        action, number = _action(request), _number(request)
        texts = {name: form.get(name, "").strip() for name in ("by", "note")}
        if any(len(text) > _LONGEST_TEXT for text in texts.values()):
            raise HTTPException(400, f"A name or a note has at most {_LONGEST_TEXT} characters")
        seen = _seen(form)
        if action == "rollback" and seen[:1] != [number]:
            raise HTTPException(400, "The form is not of this page; open the page again")
        try:
            done = act(action, self._pipeline, Asked(number, seen, **texts))
        except WrongInput as error:
            changed = isinstance(error, LiveChanged)
            return self._page(
                "changed.html",
                409,
                title="Nothing was changed" if changed else f"{VERBS[action]}: not done",
                problems=[str(error)],
            )
        return self._page("changed.html", title=done.what, problems=done.problems)

    def _row(self, number: int) -> Row:
        row = row_of(self._known.served, number)
        if row is None:
            decision = overview(self._known.served).gone.get(number)
            by = f" by {decision.by}" if decision and decision.by else ""
            why = f"was {decision.verdict}{by}" if decision else "not found"
            raise HTTPException(404, f"Version {number} {why}")
        return row

    def _page(self, template: str, status: int = 200, **values: Any) -> Response:
        shared = {"field": FIELD, "proof": self._forms.proof, "metric": metric, "verbs": VERBS}
        return self._write(template, status, **shared, **values)


def _action(request: Request) -> str:
    action = str(request.path_params["action"])
    if action not in VERBS:
        raise HTTPException(404)
    return action


def _number(request: Request) -> int:
    text = str(request.path_params["version"])
    if not _is_number(text):
        raise HTTPException(404, f"Version {text} not found")
    return int(text)


def _is_number(text: str) -> bool:
    plain = text.isascii() and text.isdecimal() and len(text) <= _LONGEST_NUMBER
    return plain and not text.startswith("0")


def _seen(form: Form) -> list[int]:
    """Returns the versions that a form says were live; each number is as `_number` has it."""
    parts = form.get("seen", "-").split(",") if form.get("seen", "-") else []
    if len(parts) > 2 or not all(_is_number(part) for part in parts):
        raise HTTPException(400, "The form is not of this page; open the page again")
    return [int(part) for part in parts]
