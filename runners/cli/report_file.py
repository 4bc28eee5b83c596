"""The report of a run as a file: `beltline report` writes it, and `beltline run` at its end."""

from pathlib import Path
from urllib.parse import quote

from beltline.runners.cli.page_file import write_page
from beltline.runners.paths import Paths
from beltline.runners.report import RunReport


def report_file(paths: Paths, run: str) -> Path:
    """Returns where a run's report is written."""
    # Other runners' run ids may have characters that a file name must not have.
    return paths.root / "reports" / f"{quote(run, safe=':+~ ')}.html"


def write_report(file: Path, report: RunReport) -> None:
    """Writes a report as an HTML page.

    Raises:
      WrongInput: the file is not writable.
    """
    # Only the page needs Jinja.
    from beltline.runners.report.page import page

    write_page(file, page(report))
