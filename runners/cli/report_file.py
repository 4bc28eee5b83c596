"""The report of a run as a file: `beltline report` writes it, and `beltline run` at its end."""

from pathlib import Path
from urllib.parse import quote

from beltline.runners.cli.page_file import write_page
from beltline.runners.history import History, described
from beltline.runners.paths import Paths
from beltline.runners.report import RunReport, build_report
from beltline.versions.store import Place


def report_of(history: History, run: str, served: Place) -> RunReport:
    """Returns the report about a run; `served` is the folder of the pipeline's versions."""
    nodes = {each.node: each for each in history.executions(run)}
    return build_report(
        described(history, run), nodes, history.lineage, served, history.manifest(run)
    )


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
