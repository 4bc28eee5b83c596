"""Where predictions are published: what is refused, and what a publication leaves behind."""

import os
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from beltline.base.errors import WrongInput
from beltline.pipeline.predictions import publishing
from beltline.pipeline.predictions.output import check_format, rejects_of
from beltline.pipeline.predictions.publishing import (
    check_folder,
    check_name,
    check_place,
    output_file,
    publish,
)
from beltline.pipeline.tables.sources import Source
from beltline.pipeline.tables.spans import Span

STRANGER = 65534
KEPT = ("artifacts", "served")


def file(path, text="x\n1\n"):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def found(source, *, section="predict"):
    here = Source(str(source), section=section)
    return here, here.find()


def test_the_span_is_part_of_the_name(tmp_path):
    assert output_file("p/{SPAN}.csv", "2026-11-23", tmp_path) == tmp_path / "p/2026-11-23.csv"
    assert output_file("/p/x.csv", "latest", tmp_path) == Path("/p/x.csv")


@pytest.mark.parametrize(
    "source",
    [
        Source("in/{SPAN}.csv"),
        Source("in/{YYYY}-{MM}-{DD}/*.csv"),
        Source(query="SELECT :span"),
    ],
)
def test_a_span_in_the_name_needs_one_of_the_rows(source):
    check_name("p-{SPAN}.csv", source)
    for other in (Source("in/*.csv"), Source(query="SELECT ':span'")):
        with pytest.raises(WrongInput, match=r"^predict\.output: p-\{SPAN\}\.csv contains"):
            check_name("p-{SPAN}.csv", other)
        check_name("p.csv", other)


def test_not_among_what_beltline_keeps(tmp_path):
    for good in ("p.csv", "artifacts.csv", "predictions/artifacts/p.csv", "../p.csv"):
        check_folder(tmp_path / good, tmp_path, KEPT)
    (tmp_path / "served").mkdir()
    (tmp_path / "link").symlink_to("served")
    for bad in ("artifacts/p.csv", "served/m/1/p.csv", "x/../served/p.csv", "link/p.csv"):
        with pytest.raises(WrongInput, match="where Beltline keeps its own files"):
            check_folder(tmp_path / bad, tmp_path, KEPT)


def test_not_the_rows_themselves_nor_among_them(tmp_path):
    rows = file(tmp_path / "in" / "a.csv")
    with pytest.raises(WrongInput, match=r"a\.csv is the file of predict\.path"):
        check_place(tmp_path / "in" / "." / "a.csv", *found(rows))
    # Beside one file it is not taken for rows.
    check_place(tmp_path / "in" / "p.csv", *found(rows))
    for several in (rows.parent, rows.parent / "*.csv", rows.parent / "{SPAN}.csv"):
        file(tmp_path / "in" / "7.csv")
        with pytest.raises(WrongInput, match="would be read as rows by the next run"):
            check_place(tmp_path / "in" / "p.csv", *found(several))
        check_place(tmp_path / "out" / "p.csv", *found(several))
    check_place(tmp_path / "in" / "p.csv", Source(query="SELECT 1"), Span([]))


def test_a_place_that_can_not_be_written(tmp_path):
    nothing = (Source(query="SELECT 1"), Span([]))
    check_place(tmp_path / "new" / "folder" / "p.csv", *nothing)
    (tmp_path / "p.csv").mkdir()
    with pytest.raises(WrongInput, match="is a folder: write the name of a file"):
        check_place(tmp_path / "p.csv", *nothing)
    taken = file(tmp_path / "taken")
    with pytest.raises(WrongInput, match="it is not a folder: choose another"):
        check_place(taken / "p.csv", *nothing)


@pytest.mark.parametrize(
    ("mode", "why"), [(0o555, "it can't be written by this user"), (0o600, "Permission denied")]
)
def test_a_folder_of_another_user(mode, why):
    # Not in `tmp_path`, which only one user may enter.
    with TemporaryDirectory() as parent, as_a_stranger(Path(parent)):
        (Path(parent) / "locked").mkdir()
        (Path(parent) / "locked").chmod(mode)
        with pytest.raises(WrongInput, match=why):
            check_place(Path(parent) / "locked" / "p.csv", Source(query="SELECT 1"), Span([]))


@contextmanager
def as_a_stranger(folder):
    """Lets root be somebody else, to whom the folder belongs."""
    user = os.geteuid()
    if user == 0:
        os.chown(folder, STRANGER, -1)
        os.seteuid(STRANGER)
    try:
        yield
    finally:
        os.seteuid(user)


def test_a_copy_is_published_with_its_rejects(tmp_path):
    made = file(tmp_path / "made" / "predictions.csv", "one")
    file(rejects_of(made), "broken")
    target = tmp_path / "new" / "p.csv"
    publish(made, target)
    assert target.read_text() == "one"
    assert rejects_of(target).read_text() == "broken"
    rejects_of(made).unlink()
    made.write_text("two")
    publish(made, target)
    assert target.read_text() == "two"
    assert [each.name for each in target.parent.iterdir()] == ["p.csv"]


def test_what_is_there_already_is_left(tmp_path):
    made = file(tmp_path / "made.csv", "one")
    publish(made, tmp_path / "p.csv")
    os.utime(tmp_path / "p.csv", (1, 1))
    publish(made, tmp_path / "p.csv")
    assert (tmp_path / "p.csv").stat().st_mtime == 1
    # As long, and as old.
    (tmp_path / "p.csv").write_text("two")
    os.utime(tmp_path / "p.csv", ns=(1, made.stat().st_mtime_ns))
    publish(made, tmp_path / "p.csv")
    assert (tmp_path / "p.csv").read_text() == "one"


def test_the_last_one_stays_where_publishing_fails(tmp_path, monkeypatch):
    made = file(tmp_path / "made.csv", "two")
    target = file(tmp_path / "out" / "p.csv", "one")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(publishing.shutil, "copyfile", full)
    with pytest.raises(WrongInput, match=r"p\.csv: can't be written: No space left on device"):
        publish(made, target)
    assert [each.read_text() for each in target.parent.iterdir()] == ["one"]


def test_a_url_is_no_output():
    with pytest.raises(WrongInput, match=r"predict\.output: a path on a disk is needed"):
        check_name("s3://bucket/p.csv", Source("in.csv"))
    with pytest.raises(WrongInput, match=r"-o s3:/bucket/p\.csv: .* written to a disk"):
        check_format(Path("s3://bucket/p.csv"))
