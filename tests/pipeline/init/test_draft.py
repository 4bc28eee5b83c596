from pathlib import Path

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from beltline.base.errors import WrongInput
from beltline.pipeline.init import draft
from beltline.pipeline.init.inference import InferredProject, Threshold
from beltline.pipeline.init.label import InferredLabel
from beltline.pipeline.init.profile import ColumnProfile
from beltline.pipeline.settings.reading import read_project


def column(name, kind="text", missing=0, counts=None):
    return ColumnProfile(
        name=name,
        kind=kind,
        rows=1000,
        missing=missing,
        counts=counts or {"a": 500, "b": 500},
        counted=1000 - missing,
        lowest=None,
        highest=None,
        mean=0.0,
        deviation=1.0,
        whole=False,
        steady=False,
        infinite=0,
        first_missing=None,
        first_infinite=None,
    )


def inferred(label="y", classes=("a", "b"), excluded=None, slices=(), missing=0, rows=500):
    task = {0: "regression", 2: "binary"}.get(len(classes), "multiclass")
    metric = {"regression": "rmse", "binary": "auc", "multiclass": "accuracy"}[task]
    return InferredProject(
        label=InferredLabel(
            column(label, missing=missing), task, classes, (rows,) * len(classes), None
        ),
        features=(column("x"),),
        timestamps={},
        excluded=excluded or {},
        slices=slices,
        threshold=Threshold(metric, "lower", 0.6, "why"),
        notes=(),
    )


def read_back(folder, decided, name="casting"):
    text = draft.settings_text(decided, name, folder / "in" / "casting.csv", folder)
    draft.write(folder, {draft.SETTINGS: text})
    return text, read_project(folder / draft.SETTINGS).settings


def test_the_settings_read_back_as_decided(tmp_path):
    decided = inferred(excluded={"id": "id: every value differs"}, slices=("mold", "x"), missing=5)
    text, settings = read_back(tmp_path, decided)
    assert settings.name == "casting"
    assert settings.data.path == "in/casting.csv"
    assert settings.data.unlabelled == "drop"
    assert settings.schema_file == "schema/casting.pbtxt"
    assert (settings.label.column, settings.label.task, settings.label.positive) == (
        "y",
        "binary",
        "b",
    )
    assert settings.features.exclude == ["id"]
    assert settings.evaluation.slices == ["mold", "x"]
    assert settings.evaluation.thresholds["auc"].lower == 0.6
    assert "# id: every value differs" in text
    assert "# 5 of 1,000 rows have no label" in text


@pytest.mark.parametrize(("rows", "stratified"), [(499, True), (500, False)])
def test_a_rare_class_is_split_by_its_shares(tmp_path, rows, stratified):
    text, settings = read_back(tmp_path, inferred(rows=rows))
    assert settings.data.stratify is stratified
    assert settings.schema_file == "schema/casting.pbtxt"
    said = "by chance alone, a split could lack rows of 'a': there are 499"
    assert (said in text) is stratified


def test_a_number_is_not_stratified(tmp_path):
    assert "stratify" not in read_back(tmp_path, inferred(classes=()))[0]


def test_only_what_was_decided_is_written(tmp_path):
    for classes in (("a", "b", "c"), ()):
        text, settings = read_back(tmp_path, inferred(classes=classes))
        assert set(yaml.safe_load(text)) == {"name", "data", "schema", "label", "evaluation"}
        assert settings.data.unlabelled == "refuse"
        assert settings.label.positive is None
        assert settings.evaluation.slices == []


words = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)


@settings(deadline=None, max_examples=150)
@example("a\nb", "\x85", "\u2028 x", "1")
@given(words, words, words, st.sampled_from(["1", "yes", "null", "- a", "a: b", "a #b", "[x], y"]))
def test_any_name_survives_being_written(label, left, positive, awkward):
    decided = inferred(
        label, ("no", positive), {left: "why", awkward: "so"}, slices=(awkward, left)
    )
    text = draft.settings_text(decided, "n", Path("in") / "a.csv", Path())
    values = yaml.safe_load(text)
    assert values["label"] == {"column": label, "task": "binary", "positive": positive}
    assert values["features"]["exclude"] == list({left: 0, awkward: 0})
    assert values["evaluation"]["slices"] == [awkward, left]


@pytest.mark.parametrize(
    ("data", "name"),
    [
        ("in/casting.csv", "casting"),
        ("in/Größe 2 (neu).CSV.GZ", "Groe-2-neu"),
        ("2024.csv", "data-2024"),
        ("x/line_7/*.parquet", "line_7"),
        ("x/part-*.csv.gz", "part"),
        ("模具.csv", "pipeline"),
        ("a" * 99 + ".csv", "a" * 63),
    ],
)
def test_the_name_comes_from_the_data(data, name):
    assert draft.name_for(Path(data)) == draft.checked_name(name) == name


@pytest.mark.parametrize("name", ["7up", "a b", "ä", "", "a/b", "a" * 64])
def test_a_wrong_name_is_refused(name):
    with pytest.raises(WrongInput, match="--name"):
        draft.checked_name(name)


def test_the_path_is_relative_where_anything_is_shared(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    data = tmp_path / "in" / "*.csv"
    for folder, path in ((tmp_path, "in/*.csv"), (tmp_path / "link", "../in/*.csv")):
        text = draft.settings_text(inferred(), "n", data, folder)
        assert yaml.safe_load(text)["data"]["path"] == path
    text = draft.settings_text(inferred(), "n", data, Path("/nowhere-else"))
    assert yaml.safe_load(text)["data"]["path"] == str(data)


def test_nothing_is_replaced_unasked(tmp_path):
    draft.refuse_existing(tmp_path, [draft.SETTINGS])
    (tmp_path / draft.SETTINGS).write_text("mine")
    with pytest.raises(WrongInput, match=r"pipeline\.yaml already exists.*-o DIR.*--overwrite"):
        draft.refuse_existing(tmp_path, ["schema/a.pbtxt", draft.SETTINGS])


def test_a_full_disk_leaves_what_was_there(tmp_path, monkeypatch):
    (tmp_path / draft.SETTINGS).write_text("mine")
    write_text = Path.write_text

    def full(self, text, **options):
        if draft.SETTINGS in self.name:
            write_text(self, text[:3], **options)
            raise OSError(28, "No space left on device")
        return write_text(self, text, **options)

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(WrongInput, match="cannot be written: No space left"):
        draft.write(tmp_path, {"schema/a.pbtxt": "schema", draft.SETTINGS: "new: text"})
    found = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert found == [tmp_path / draft.SETTINGS]
    assert found[0].read_text() == "mine"
