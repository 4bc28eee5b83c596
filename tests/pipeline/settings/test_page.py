import functools
import subprocess
import sys
import time
from pathlib import Path

from beltline.pipeline.settings.evaluation import METRICS_OF_TASK
from beltline.pipeline.settings.page import page, sections
from beltline.pipeline.settings.settings import Settings

ROOT = Path(__file__).parents[3]


@functools.cache
def text_of_page() -> str:
    return page()


@functools.cache
def rows(key: str) -> dict[str, list[str]]:
    """The cells of each row in a section's table, by the key in the first."""
    heading = f"\n## `{key}`\n" if key else "\n## Top level\n"
    body = text_of_page().partition(heading)[2].partition("\n## ")[0]
    lines = [line for line in body.splitlines() if line.startswith("| `")]
    cells = [line.replace("\\|", "¦").strip("| ").split(" | ") for line in lines]
    return {row[0].strip("`"): row[1:] for row in cells}


def test_the_page_in_the_docs_is_current() -> None:
    assert (ROOT / "docs/settings.md").read_text() == page(), "call `make docs`"


def test_every_key_has_its_row() -> None:
    for key, section, _ in sections():
        aliases = [field.alias or name for name, field in section.model_fields.items()]
        assert list(rows(key)) == aliases, key


def test_sections_are_found_wherever_they_stand() -> None:
    found = [key for key, _, _ in sections()]
    assert found[0] == "" and len(set(found)) == len(found)
    assert {
        "data.splits",
        "data.split_by",
        "evaluation.champion",
        "evaluation.thresholds.NAME",
    } <= set(found)
    assert {"resources.NAME", "local"} <= set(found)


def test_a_row_says_type_default_and_purpose() -> None:
    assert rows("training")["epochs"][:2] == ["whole number, at least 1 or `auto`", "`auto`"]
    assert rows("training")["batch_size"][:2] == ["whole number, at least 1 or `auto`", "`auto`"]
    assert rows("data.splits")["train"][:2] == ["number, above 0, below 1", "`0.7`"]
    assert rows("features")["numbers"][:2] == ["`quantile`, `zscore`", "`quantile`"]
    assert rows("features")["exclude"][:2] == ["list of: text", "`[]`"]
    assert rows("evaluation.champion")["enabled"][:2] == ["`true` or `false`", "`true`"]
    assert rows("tuning")["epochs"][:2] == ["whole number, at least 1", "-"]
    assert rows("resources.NAME")["memory"][:2] == [r"text, as `^\d+(Mi¦Gi)$`", "-"]
    assert rows("")["name"][1] == rows("label")["column"][1] == "required"
    for key, section, _ in sections():
        for name, field in section.model_fields.items():
            assert rows(key)[field.alias or name][2] == field.description


def test_a_mapping_names_its_keys() -> None:
    kind = rows("evaluation")["thresholds"][0]
    assert kind.startswith("by name (`auc`, ") and kind.endswith("): section, see below")
    assert rows("features")["overrides"][0] == "by name: `number`, `category`, `both`"
    assert rows("kubeflow")["secrets"][0] == "by name: by name: name of a variable"


def test_the_metrics_of_each_task_are_listed() -> None:
    text = page()
    for task, metrics in METRICS_OF_TASK.items():
        assert f"| `{task}` | {', '.join(f'`{metric}`' for metric in metrics)} |" in text
    assert "| `rmse`, `mae` |" in text


def test_it_is_written_at_once_and_without_tfx() -> None:
    script = (
        "import runpy, sys\n"
        "runpy.run_module('beltline.pipeline.settings.page', run_name='__main__')\n"
        "assert not {'tfx', 'tensorflow', 'pyarrow'} & set(sys.modules)\n"
    )
    started = time.monotonic()
    result = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout == page()
    assert time.monotonic() - started < 5


def test_the_top_level_is_the_settings() -> None:
    key, section, description = next(sections())
    assert (key, section) == ("", Settings) and description == Settings.__doc__
