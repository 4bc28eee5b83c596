"""When a run has nothing to do, and its report; runs themselves are those of tests/end_to_end."""

import pytest

from beltline.runners.cli.commands.run import _is_whole, _report
from beltline.runners.local.record import Record
from beltline.versions.live import promote
from tests.runners.cli.commands.test_models import push_model
from tests.runners.projects import Ledger, paths


@pytest.fixture
def served(tmp_path):
    for run in ("r1", "r2"):
        push_model(tmp_path, run)
    return paths(tmp_path).root / "served" / "line"


def test_what_a_run_left_is_still_there(served, tmp_path):
    good, predictions = Record("r2", "line", "b", "i", "done", "2"), tmp_path / "new.csv"
    assert _is_whole(good, served, None)
    assert not _is_whole(Record("r9", "line", "b", "i", "done", "9"), served, None)
    assert not _is_whole(good, served, predictions)
    predictions.touch()
    assert _is_whole(good, served, predictions)
    # They would be by another version today.
    promote(served, 1)
    assert _is_whole(good, served, None) and not _is_whole(good, served, predictions)


def test_a_run_writes_its_report(tmp_path, served):
    ledger = Ledger(paths(tmp_path).metadata)
    ledger.run("r2")
    ledger.node("r2", "Trainer", "FAILED")
    record = Record("r2", "line", "b", "i").ended("failed")
    record.write(paths(tmp_path).root)
    _report(paths(tmp_path), record, served)
    page = (paths(tmp_path).root / "reports" / "r2.html").read_text()
    assert "beltline logs r2 Trainer" in page


def test_a_report_that_can_not_be_written_fails_no_run(tmp_path, served, capsys):
    (paths(tmp_path).root / "reports").write_text("in the way")
    _report(paths(tmp_path), Record("r2", "line", "b", "i", "done", "2"), served)
    assert "line: no report was written: " in capsys.readouterr().err
