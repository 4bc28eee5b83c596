"""The page of the monitoring over time."""

from collections.abc import Callable
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from beltline.base.errors import WrongInput
from beltline.runners.monitor.past import past_file, past_reports
from beltline.runners.ui.monitoring import MEASURES, over_time, shown

_MOST_LISTED = 60


class MonitoringPage:
    """The page; `routes` has its address."""

    def __init__(self, root: Path, name: str, page: Callable[..., Response]) -> None:
        """Takes the root, the pipeline's name, and what writes a page."""
        self._file = past_file(root, name)
        self._write = page

    def routes(self) -> list[Route]:
        """Returns the address of the page."""
        return [Route("/monitoring", self.monitoring)]

    def monitoring(self, request: Request) -> Response:
        """Every check that is kept; of the query's column alone, if it names one."""
        chosen = request.query_params.get("column", "")
        try:
            reports = past_reports(self._file)
        except OSError as error:
            raise WrongInput(f"{self._file} can't be read: {error.strerror or error}") from None
        return self._write(
            "monitoring.html",
            found=over_time(reports, chosen) if reports else None,
            reports=reports,
            chosen=chosen,
            most=_MOST_LISTED,
            measures=MEASURES,
            shown=shown,
        )
