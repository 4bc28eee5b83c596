"""The release of Beam that the internals are of."""

from pathlib import Path

import pytest

from beltline.beam_on_dask import internals


def test_beam_is_the_release_that_the_runner_was_written_for():
    internals.check_version()


def test_another_release_is_refused(monkeypatch):
    monkeypatch.setattr(internals.apache_beam, "__version__", "2.99.0")
    with pytest.raises(RuntimeError, match=r"needs apache-beam 2\.77\.0, .* has 2\.99\.0"):
        internals.check_version()


def test_what_an_upgrade_may_move_is_imported_here_alone():
    private = (
        "apache_beam.runners.portability",
        "apache_beam.runners.worker",
        "translations import",
    )
    here = Path(internals.__file__).parent
    for file in (*here.glob("*.py"), *here.parent.glob("runners/beam/*.py")):
        if file.name != "internals.py":
            assert not [name for name in private if name in file.read_text("utf-8")], file
