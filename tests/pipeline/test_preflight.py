import os
import shutil

import pytest

from beltline.base.errors import WrongInput
from beltline.pipeline import preflight
from beltline.pipeline.preflight import check
from beltline.pipeline.settings.reading import read_project
from tests.pipeline.components.small import SCHEMA, SETTINGS, project, write

OWN_CODE = SETTINGS + "model: {network_fn: net.build}\n"


def own(folder, settings=OWN_CODE):
    """A project with a module of its own; returns its digest."""
    write(folder, settings)
    (folder / "net.py").write_text("def build(): pass\n")
    return digest(folder)


def digest(folder, *overrides):
    return check(read_project(folder / "pipeline.yaml", overrides)).inputs_digest


def wrong(folder, *overrides):
    with pytest.raises(WrongInput) as caught:
        check(project(folder, *overrides))
    return str(caught.value).replace(f"{folder}{os.sep}", "")


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("data.path=dat.csv", "dat.csv: no such file or folder"),
        ("data.path=empty", "empty: no data files found there"),
        ("data.path=note.txt", "the format of 'note.txt' is not known"),
        ("schema=other.pbtxt", "schema: other.pbtxt: can't be read"),
        ("model.run_fn=beltline.models.training.fn", "model.run_fn: beltline.models.training.fn: "),
        ("features.include=[x]", "features.include: no column 'x'"),
        (
            "data.split_by=parts",
            "pipeline.yaml: data.split_by: no column 'parts' in data.csv; did you mean 'part'?",
        ),
        (
            "data.split_by={time: parts}",
            "pipeline.yaml: data.split_by.time: no column 'parts' in data.csv; did you mean ",
        ),
        (
            "resources={Trainr: {gpu: 1}}",
            "pipeline.yaml: resources: unknown node 'Trainr'; did you mean 'Trainer'? (allowed: "
            "ExampleGen, StatisticsGen, Schema, ",
        ),
    ],
)
def test_what_is_wrong_is_found_before_anything_runs(tmp_path, override, message):
    (tmp_path / "empty").mkdir()
    (tmp_path / "note.txt").touch()
    assert message in wrong(tmp_path, override)


def test_a_label_that_is_not_in_the_data_is_named_with_the_nearest(tmp_path):
    file = write(tmp_path)
    data = tmp_path / "data.csv"
    data.write_text(data.read_text().replace("mold,scrap\n", "mold,scrab\n"))
    with pytest.raises(WrongInput) as caught:
        check(read_project(file))
    assert str(caught.value) == (
        f"{file}: label.column: no column 'scrap' in data.csv; did you mean 'scrab'?"
    )
    data.write_text("a,b\n1,2\n")
    with pytest.raises(WrongInput, match=r"no column 'scrap' in data\.csv \(a, b\)"):
        check(read_project(file))


def test_the_path_of_the_data_may_be_another(tmp_path, monkeypatch):
    file = write(tmp_path)
    before = digest(tmp_path)
    (tmp_path / "elsewhere").mkdir()
    shutil.move(tmp_path / "data.csv", tmp_path / "elsewhere" / "data.csv")
    monkeypatch.setenv("BELTLINE_DATA", str(tmp_path / "elsewhere"))
    assert check(read_project(file)).inputs_digest == before


def test_a_day_without_data_is_a_mistake_here_and_the_days_there_are_are_named(tmp_path):
    file = write(tmp_path)
    shutil.copy(tmp_path / "data.csv", tmp_path / "2026-11-22.csv")
    shutil.copy(tmp_path / "data.csv", tmp_path / "2026-11-23.csv")
    path = "data.path={YYYY}-{MM}-{DD}.csv"
    check(read_project(file, [path]))
    check(read_project(file, [path, "data.span=2026-11-22"]))
    with pytest.raises(WrongInput) as caught:
        check(read_project(file, [path, "data.span=2026-11-24"]))
    assert str(caught.value) == (
        f"{file}: data.span: no data for span 2026-11-24 in {tmp_path}/{{YYYY}}-{{MM}}-{{DD}}.csv; "
        "there are: 2026-11-22, 2026-11-23"
    )


def test_the_digest_changes_with_what_a_run_depends_on(tmp_path):
    found = {own(tmp_path)}
    found.add(digest(tmp_path, "training.epochs=3"))
    (tmp_path / "net.py").write_text("def build(): return 1\n")
    found.add(digest(tmp_path))
    (tmp_path / "schema.pbtxt").write_text(SCHEMA.replace("0.9", "0.8"))
    found.add(digest(tmp_path))
    with (tmp_path / "data.csv").open("a") as data:
        data.write("p,1,1,A,ok\n")
    found.add(digest(tmp_path))
    assert len(found) == 5


def test_the_digest_does_not_change_with_anything_else(tmp_path):
    before = own(tmp_path / "a")
    (tmp_path / "a" / "README.md").write_text("words")
    for name in ("data.csv", "net.py", "schema.pbtxt", "pipeline.yaml"):
        os.utime(tmp_path / "a" / name, (1, 1))
    assert digest(tmp_path / "a") == before
    shutil.copytree(tmp_path / "a", tmp_path / "b")
    assert digest(tmp_path / "b") == before
    (tmp_path / "b" / "schema.pbtxt").write_text("# a comment\n" + SCHEMA)
    assert digest(tmp_path / "b") == before
    words = "# a comment\n" + OWN_CODE + "local: {root: elsewhere}\n"
    assert own(tmp_path / "b", words) == before
    first, *others = OWN_CODE.splitlines()
    assert own(tmp_path / "b", "\n".join([*others, first])) == before


def test_a_library_of_the_system_that_trees_need_is_named_before_anything_runs(
    tmp_path, monkeypatch
):
    write(tmp_path)
    digest(tmp_path)
    monkeypatch.setattr(preflight, "OPENMP", "libgomp.so.99")
    message = wrong(tmp_path)
    assert message.startswith("pipeline.yaml: model.learners: trees need the system's library")
    assert "libgomp.so.99: cannot open shared object file" in message
    assert "apt-get install libgomp1" in message
    digest(tmp_path, "model.learners=[network]")
