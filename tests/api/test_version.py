import shutil

import pytest

from beltline.base.errors import WrongInput
from beltline.versions.approval import approve, reject
from beltline.versions.live import promote
from beltline.versions.push import hold
from tests.runners.cli.commands.test_models import push_model
from tests.runners.projects import paths


def test_a_version_has_its_card(root):
    version = root.versions.live
    assert (version.number, version.run, version.live, version.kept) == (1, "r1", True, True)
    assert version.metrics == {"auc": 0.75, "rows": 30.0}
    assert version.pushed.isoformat() == "2026-01-02T03:04:05+00:00"
    assert len(version.digest) == 64
    assert (version.path / "saved_model.pb").read_text() == "r1"
    assert repr(version) == "<Version 1, live, auc 0.7500, rows 30>"
    assert version.digest in version._repr_html_()


def test_its_lineage_is_read_from_ml_metadata(root):
    lineage = root.versions[-1].lineage
    assert (lineage.run, lineage.hyperparameters["training"]) == ("r1", {"epochs": 5})


def test_which_one_is_live_is_asked_each_time(root, folder):
    first = root.versions.live
    push_model(folder, "r2", auc=0.5)
    assert (first.live, root.versions.live.number) == (False, 2)
    promote(paths(folder).root / "served" / "line", 1)
    assert first.live
    assert [version.number for version in root.versions[:]] == [1, 2]
    assert "<Version 2, auc 0.5000>" in repr(root.versions)
    assert "1 (live)" in root.versions._repr_html_()


def test_a_version_is_found_by_its_number(root):
    assert root.versions.find(1).run == "r1"
    with pytest.raises(WrongInput, match=r"version 7 not found \(1\)"):
        root.versions.find(7)


def test_a_version_that_waits_is_none_of_them_but_is_found(root, folder):
    assert root.versions.waiting is None
    push_model(folder, "r2", add=hold, auc=0.9)
    held = root.versions.waiting
    assert (held.number, held.waiting, held.live, held.kept) == (2, True, False, True)
    assert (held.run, held.metrics["auc"]) == ("r2", 0.9)
    assert (held.path / "saved_model.pb").read_text() == "r2"
    assert [version.number for version in root.versions] == [1]
    assert root.versions.find(2).waiting and root.versions.live.number == 1
    assert repr(held) == "<Version 2, waiting, auc 0.9000>"
    assert repr(root.versions).endswith("\n<Version 2, waiting, auc 0.9000>")
    assert "2 (waiting)" in root.versions._repr_html_() and "2 (waiting)" in root._repr_html_()
    assert "waits for approval" in held._repr_html_()
    approve(paths(folder).root / "served" / "line", 2)
    assert (held.waiting, held.live, held.kept) == (False, True, True)
    # The approval has moved its files.
    assert (held.path / "saved_model.pb").read_text() == "r2"


def test_a_version_that_was_rejected_is_gone(root, folder):
    push_model(folder, "r2", add=hold, auc=0.9)
    held = root.versions.waiting
    reject(paths(folder).root / "served" / "line", 2)
    assert (repr(held), root.versions.waiting) == ("<Version 2, deleted>", None)
    assert "waiting" not in root.versions._repr_html_()


def test_a_version_that_is_gone_says_so(root, folder):
    held = root.versions[0]
    shutil.rmtree(paths(folder).root / "served" / "line" / "1")
    of_run = root.runs["r1"].version
    for version in (held, of_run):
        assert (version.number, version.kept, version.live) == (1, False, False)
        assert repr(version) == "<Version 1, deleted>"
        assert "has been deleted" in version._repr_html_()
        for asked in (lambda v: v.predict({"mold": "A"}), lambda v: v.path, lambda v: v.lineage):
            with pytest.raises(WrongInput, match="version 1 has been deleted from"):
                asked(version)
    assert (of_run.metrics, of_run.columns, of_run.pushed, of_run.digest) == ({}, {}, None, "")


def test_a_version_of_something_else_takes_no_rows(root):
    with pytest.raises(WrongInput, match="its card names no columns"):
        root.versions[0].predict({"mold": "A"})
