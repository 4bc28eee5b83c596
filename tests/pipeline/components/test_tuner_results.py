"""The table and the page of trials, of whatever tuner of KerasTuner's made them."""

import json
from xml.etree import ElementTree

import keras_tuner
import pytest

from beltline.pipeline.components.tuner_results import rows_of, write_page, write_rows


@pytest.fixture
def oracle(tmp_path):
    """Four trials of a plain random search: one failed, the third the best."""
    space = keras_tuner.HyperParameters()
    space.Float("rate <b>", 0.001, 0.1, sampling="log")
    space.Choice("kind", ["<i>", "wide"])
    made = keras_tuner.oracles.RandomSearchOracle(
        keras_tuner.Objective("val_loss", "min"), 4, hyperparameters=space, seed=3
    )
    made._set_project_dir(str(tmp_path), "notes")
    made.verbose = 0
    for loss in (0.5, None, 0.25, 0.75):
        trial = made.create_trial("one")
        if loss == 0.5:
            trial.hyperparameters.values = {each.name: each.default for each in space.space}
        if loss is not None:
            made.update_trial(trial.trial_id, {"val_loss": loss})
        trial.status = "FAILED" if loss is None else "COMPLETED"
        trial.message = "Traceback\nValueError: loss is nan" if loss is None else None
        made.end_trial(trial)
    return made


def test_a_row_for_each_trial(oracle, tmp_path):
    write_rows(rows_of(oracle), tmp_path)
    rows = json.loads((tmp_path / "trials.json").read_text())
    assert [row["trial"] for row in rows] == [0, 1, 2, 3]
    assert [row.get("val_loss") for row in rows] == [0.5, None, 0.25, 0.75]
    assert [row["best"] for row in rows] == [False, False, True, False]
    assert [row["untuned"] for row in rows] == [True, False, False, False]
    assert (rows[1]["state"], rows[1]["reason"]) == ("failed", "ValueError: loss is nan")
    assert set(rows[0]["hyperparameters"]) == {"rate <b>", "kind"}


def test_the_page_shows_each_trial_and_needs_no_other_file(oracle, tmp_path):
    write_page(rows_of(oracle), "val_loss", tmp_path)
    page = (tmp_path / "trials.html").read_text()
    assert "4 trials: val_loss 0.25 at best, 0.5 untuned" in page
    assert "rate &lt;b&gt;" in page and "<b>" not in page and "<i>" not in page
    assert "loss is nan" in page
    for other in ("http", "src=", "href=", "url("):
        assert other not in page
    text = page[page.index("<svg") : page.index("</svg>") + 6]
    plot = ElementTree.fromstring(text)  # noqa: S314 - we have just written it
    dots = [each.attrib for each in plot.iter("circle")]
    assert [dot["class"] for dot in dots] == ["untuned", "best", "trial"]
    # The lower the loss, the lower the dot.
    heights = [-float(dot["cy"]) for dot in dots]
    assert heights[1] < heights[0] < heights[2]


def test_one_trial_is_enough_for_a_page_and_none_need_be_untuned(oracle, tmp_path):
    write_page(rows_of(oracle)[2:3], "val_loss", tmp_path)
    page = (tmp_path / "trials.html").read_text()
    assert "1 trials: val_loss 0.25 at best</h1>" in page and "<circle" in page
