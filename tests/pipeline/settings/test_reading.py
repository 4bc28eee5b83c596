import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from beltline.base.errors import WrongInput
from beltline.pipeline.settings.reading import read_project
from tests.pipeline.components.small import SETTINGS, write
from tests.pipeline.settings.wrong import with_lines, wrong


def test_what_the_file_says_is_what_the_settings_hold(tmp_path):
    project = read_project(write(tmp_path))
    assert project.settings.name == "tiny"
    assert project.settings.schema_file == "schema.pbtxt"
    assert project.settings.evaluation.thresholds["auc"].lower == 0.6
    assert project.settings.training.epochs == "auto"
    assert project.folder == tmp_path
    assert project.resolve("a/b.csv") == tmp_path / "a/b.csv"
    assert project.resolve("/a/b.csv").as_posix() == "/a/b.csv"


def test_a_relative_file_gives_an_absolute_folder(tmp_path, monkeypatch):
    file = write(tmp_path)
    monkeypatch.chdir(tmp_path)
    assert read_project(file.relative_to(tmp_path)).folder == tmp_path


def test_the_home_of_a_user_who_does_not_exist_is_wrong(tmp_path):
    project = read_project(write(tmp_path))
    with pytest.raises(WrongInput, match="~nosuchuser/data"):
        project.resolve("~nosuchuser/data")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (
            "trainig: {epochs: 5}",
            "pipeline.yaml:14: trainig: unknown key; did you mean 'training'?",
        ),
        (
            "training: {epoch: 5}",
            "pipeline.yaml:14: training.epoch: unknown key; did you mean 'epochs'?",
        ),
        (
            "training: {epochs: many}",
            "pipeline.yaml:14: training.epochs: Input should be a valid integer or 'auto', got",
        ),
        (
            "training: {batch_size: big}",
            "pipeline.yaml:14: training.batch_size: Input should be a valid integer or 'auto', "
            "got 'big'",
        ),
        (
            "training: {epochs: 0}",
            "pipeline.yaml:14: training.epochs: Input should be greater than or equal to 1 or",
        ),
        (
            "training: {imbalance: balanse}",
            "pipeline.yaml:14: training.imbalance: invalid value 'balanse': allowed: prior, "
            "balanced; did you mean 'balanced'?",
        ),
        ("model: {hidden: []}", "pipeline.yaml:14: model.hidden: List should have at least 1"),
        (
            "model: {hidden: [8, x]}",
            "pipeline.yaml:14: model.hidden.1: Input should be a valid integer, got 'x'",
        ),
        ("model: {run_fn: training}", "pipeline.yaml:14: model.run_fn: String should match"),
        (
            "training: 5",
            "pipeline.yaml:14: training: must be a section (a mapping of keys), got 5",
        ),
        ("1: x", "pipeline.yaml:14: 1: unknown key"),
        (
            "resources: {Trainer: {memory: 4G}}",
            "pipeline.yaml:14: resources.Trainer.memory: String should match",
        ),
        (
            "resources: {Trainer: {ram: 4Gi}}",
            "pipeline.yaml:14: resources.Trainer.ram: unknown key (allowed: cpu, memory, gpu)",
        ),
    ],
)
def test_a_mistake_is_named_with_line_key_value_and_what_is_allowed(tmp_path, line, message):
    assert message in wrong(write(tmp_path, with_lines(line)))


@pytest.mark.parametrize("value", ["yes", "'5'", "5.0", ".nan", "null", "[5]"])
def test_what_only_resembles_a_number_is_none(tmp_path, value):
    message = wrong(write(tmp_path, with_lines("training:", f"  epochs: {value}")))
    assert message.startswith("pipeline.yaml:15: training.epochs: ")


@pytest.mark.parametrize("value", [".nan", ".inf", "-.inf"])
def test_a_bound_is_a_finite_number(tmp_path, value):
    message = wrong(write(tmp_path, SETTINGS.replace("0.6", value)))
    assert message.startswith("pipeline.yaml:13: evaluation.thresholds.auc.lower: ")
    assert "finite" in message


@pytest.mark.parametrize("value", ["1", "true", "0.5"])
def test_text_that_yaml_takes_for_something_else_wants_quotes(tmp_path, value):
    message = wrong(write(tmp_path, SETTINGS.replace("positive: scrap", f"positive: {value}")))
    assert message.startswith("pipeline.yaml:8: label.positive: ")
    assert "quote it" in message


def test_every_mistake_is_named_at_once(tmp_path):
    message = wrong(
        write(tmp_path, with_lines("training:", "  epochs: x", "  seed: y", "moddel: 1"))
    )
    assert [line.split(": ")[:2] for line in message.splitlines()] == [
        ["pipeline.yaml:15", "training.epochs"],
        ["pipeline.yaml:16", "training.seed"],
        ["pipeline.yaml:17", "moddel"],
    ]


def test_a_missing_key_is_named_at_its_section(tmp_path):
    text = SETTINGS.replace("  column: scrap\n", "").replace("name: tiny\n", "")
    message = wrong(write(tmp_path, text))
    assert message.splitlines() == [
        "pipeline.yaml:1: name: required key is missing",
        "pipeline.yaml:4: label.column: required key is missing",
    ]


def test_a_key_given_twice_is_wrong_at_its_second_place(tmp_path):
    message = wrong(write(tmp_path, with_lines("features: {exclude: []}")))
    assert message == "pipeline.yaml:14: features: duplicate key"
    nested = SETTINGS.replace("column: scrap", "column: scrap\n  column: other")
    assert wrong(write(tmp_path, nested)) == "pipeline.yaml:7: label.column: duplicate key"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: [1,\nb: 2", "pipeline.yaml:2:5: invalid YAML: "),
        ("a: 'x", "pipeline.yaml:1:6: invalid YAML: "),
        ("\tname: x", "pipeline.yaml:1:1: invalid YAML: "),
        ("name: x\nb: a\x00b", "pipeline.yaml:2:5: invalid YAML: "),
        ("name: x\n---\nname: y", "pipeline.yaml:2:1: invalid YAML: "),
        ("name: 2025-13-45", "pipeline.yaml: invalid YAML: "),
        ("name: !!int x", "pipeline.yaml: invalid YAML: "),
        ("name: !!python/object:os.system {}", "pipeline.yaml:1:7: invalid YAML: "),
        ("? [a]\n: 1", "pipeline.yaml:1:3: invalid YAML: "),
        ("[" * 5000, "pipeline.yaml: invalid YAML: "),
        ("", "pipeline.yaml:1: must be a mapping"),
        ("- name", "pipeline.yaml:1: must be a mapping"),
        ("just words", "pipeline.yaml:1: must be a mapping"),
    ],
)
def test_what_is_not_yaml_or_no_mapping(tmp_path, text, message):
    said = wrong(write(tmp_path, text))
    assert said.startswith(message)
    assert "\n" not in said


def test_bytes_that_are_no_utf8(tmp_path):
    file = write(tmp_path)
    file.write_bytes("name: Gießerei".encode("latin-1"))
    assert wrong(file).startswith("pipeline.yaml: can't be read: 'utf-8' codec")


def test_a_byte_order_mark_and_windows_line_ends_are_fine(tmp_path):
    file = write(tmp_path)
    file.write_bytes(b"\xef\xbb\xbf" + SETTINGS.replace("\n", "\r\n").encode())
    assert read_project(file).settings.name == "tiny"


def test_a_missing_file_says_how_to_get_one(tmp_path):
    assert wrong(tmp_path / "other.yaml") == (
        "other.yaml: no such file; `beltline init DATA --label COL` writes one"
    )


def test_a_folder_is_no_file(tmp_path):
    assert "can't be read: " in wrong(tmp_path)


def test_set_lays_a_value_over_the_file(tmp_path):
    project = read_project(
        write(tmp_path),
        [
            "training.epochs=5",
            "model.hidden=[8, 4]",
            "evaluation.thresholds.auc.lower=0.7",
            "evaluation.thresholds.pr_auc={lower: 0.1}",
            "label.positive=ok",
            "data.path=other=1.csv",
            "training.epochs=6",
        ],
    )
    changed = project.settings
    assert (changed.training.epochs, changed.model.hidden) == (6, [8, 4])
    assert {name: b.lower for name, b in changed.evaluation.thresholds.items()} == {
        "auc": 0.7,
        "pr_auc": 0.1,
    }
    assert (changed.label.positive, changed.data.path) == ("ok", "other=1.csv")
    assert changed.features.exclude == ["part"]


def test_set_fills_a_section_that_the_file_leaves_empty(tmp_path):
    file = write(tmp_path, with_lines("training:"))
    assert read_project(file, ["training.epochs=5"]).settings.training.epochs == 5


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("epochs", "--set epochs: must be key=value, such as training.epochs=5"),
        ("=5", "--set =5: must be key=value"),
        ("training..epochs=5", "--set training..epochs=5: must be key=value"),
        (
            "training.epoch=5",
            "--set training.epoch=5: training.epoch: unknown key; did you mean 'epochs'?",
        ),
        ("[key]=1", "--set [key]=1: [key]: unknown key"),
        ("training.[key]=1", "--set training.[key]=1: training.[key]: unknown key"),
        (
            "training.epochs=x",
            "--set training.epochs=x: training.epochs: Input should be a valid integer or 'auto'",
        ),
        ("name.first=x", "--set name.first=x: 'name' is a value, not a section"),
        ("features.exclude.0=x", "--set features.exclude.0=x: 'exclude' is a value"),
        (
            "training={epochs: 0}",
            "--set training={epochs: 0}: training.epochs: Input should be greater than",
        ),
        ("evaluation.thresholds.auk.lower=1", "auk: invalid value 'auk': allowed: auc, "),
        (
            "data.splits.train=0.9",
            "--set data.splits.train=0.9: data.splits: train, validation and",
        ),
        ("name=2025-13-45", "--set name=2025-13-45: name: String should match pattern"),
    ],
)
def test_a_wrong_set_is_named_as_such(tmp_path, override, message):
    said = wrong(write(tmp_path), override)
    assert message in said
    assert said.startswith("--set ")


def test_a_right_key_in_the_file_keeps_its_line_beside_a_set(tmp_path):
    file = write(tmp_path, with_lines("training:", "  epochs: x"))
    assert wrong(file, "training.seed=3").startswith("pipeline.yaml:15: training.epochs")


WORDS = """name data path schema label column task positive features exclude model hidden
training evaluation thresholds auc lower metrics resources splits train <<"""
KEYS = st.sampled_from(WORDS.split())
SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8), st.dates()
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.one_of(KEYS, SCALARS), inner, max_size=4),
    ),
    max_leaves=12,
)
QUICK = settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def only_wrong_input(file, overrides=()):
    try:
        read_project(file, overrides)
    except WrongInput as error:
        assert str(error)


@QUICK
@given(text=st.one_of(st.text(), st.text(alphabet="ab:-[]{}&*!|>'\"#?,%@<=\n\t 0123456789.")))
def test_any_text_is_read_or_named_wrong(tmp_path, text):
    file = tmp_path / "pipeline.yaml"
    file.write_text(text, encoding="utf-8", errors="surrogatepass")
    only_wrong_input(file)


@QUICK
@given(value=VALUES)
def test_any_yaml_is_read_or_named_wrong(tmp_path, value):
    file = tmp_path / "pipeline.yaml"
    file.write_text(yaml.safe_dump(value), encoding="utf-8")
    only_wrong_input(file)


@QUICK
@given(key=st.one_of(st.text(max_size=6), KEYS), inner=KEYS, value=st.text(max_size=10))
def test_any_set_is_taken_or_named_wrong(tmp_path, key, inner, value):
    file = tmp_path / "pipeline.yaml"
    if not file.exists():
        write(tmp_path)
    only_wrong_input(file, [f"{key}.{inner}={value}", f"{key}={value}"])
