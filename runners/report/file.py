"""The report of a run as a file: `beltline report` writes it, and every runner at a run's end."""

from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

from beltline.base.errors import WrongInput
from beltline.base.files import replace
from beltline.runners.history import History
from beltline.runners.paths import Paths
from beltline.runners.report.content import RunReport, report_of
from beltline.versions.store import Place


def report_file(paths: Paths, run: str) -> Path:
    """Returns where a run's report is written."""
    # Other runners' run ids may have characters that a file name must not have.
    return paths.root / "reports" / f"{quote(run, safe=':+~ ')}.html"


def report_at_end(
    paths: Paths, pipeline: str, run: str, served: Place, problem: Callable[[str], object]
) -> Path | None:
    """Writes the report about a run that has ended; returns its file, or None if there is none.

    Args:
      paths: the root and ML Metadata.
      pipeline: the pipeline's name.
      run: the run's id.
      served: where the versions are.
      problem: called with the reason if no report was written; the run stays what it is.
    """
    try:
        file = report_file(paths, run)
        write_report(file, report_of(History(paths, pipeline), run, served))
    except Exception as error:
        problem(f"{pipeline}: no report was written: {error}")
        return None
    return file


def write_report(file: Path, report: RunReport) -> None:
    """Writes a report as an HTML page.

    Raises:
      WrongInput: the file is not writable.
    """
    # Only the page needs Jinja.
    from beltline.runners.report.page import page

    write_page(file, page(report))


def write_page(file: Path, html: str) -> None:
    """Writes a page atomically, and creates its folder.

    Raises:
      WrongInput: the file is not writable.
    """
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        replace(file, html)
    except OSError as error:
        raise WrongInput(f"{file}: not writable: {error.strerror}") from None
