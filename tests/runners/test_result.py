import json

import pytest

from beltline.base.errors import GateRefused, NodeFailed, WrongInput
from beltline.runners.node.outcome import Outcome
from beltline.runners.result import RunResult, not_pushed, run_result
from beltline.versions.live import promote


def pushed(**properties):
    made = {"id": 9, "type": "PushedModel", "uri": "/served/7", "properties": properties}
    return {"pushed_model": [made]}


DATA = Outcome("ExampleGen", "done", 1)
CACHED = Outcome("Transform", "cached", 2)
FAILED = Outcome("Trainer", "failed", 3, reason="out of memory")
REFUSED = Outcome("Evaluator", "refused", 4, reason="auc 0.5 is below 0.6")
AFTER = Outcome("Pusher", "skipped", reason="Evaluator refused")
NO_DATA = Outcome("ExampleGen", "skipped", 1, reason="no files of 2026-11-23")
PUSHED = Outcome("Pusher", "done", 5, pushed(pushed=1, pushed_version="7"))
KEPT = Outcome("Pusher", "skipped", 5, pushed(pushed=0, reason="this model is version 7 already"))


def test_done_with_the_version_that_was_pushed():
    assert run_result([DATA, CACHED, PUSHED], "r1") == RunResult("done", version="7", run="r1")


def test_done_where_the_model_was_a_version_already():
    assert run_result([DATA, KEPT], "r1") == RunResult("done", run="r1")


def test_done_with_a_version_that_waits():
    held = pushed(pushed=0, waiting_version="8", reason="version 8 waits for approval")
    found = run_result([DATA, Outcome("Pusher", "skipped", 5, held)], "r1")
    assert found == RunResult("done", run="r1", waiting="8") and found.code == 0
    assert RunResult.from_line(found.line()) == found


@pytest.mark.parametrize(
    ("properties", "why"),
    [
        (
            {"reason": "this model was rejected as version 2"},
            "this model was rejected as version 2",
        ),
        ({"reason": "version 8 waits for approval", "waiting_version": "8"}, ""),
        ({"reason": "this model is version 7 already", "pushed_version": "7"}, ""),
    ],
)
def test_a_run_that_no_version_came_of_says_why(properties, why):
    push = Outcome("Pusher", "skipped", 5, pushed(pushed=0, **properties), properties["reason"])
    assert not_pushed([DATA, push]) == why
    assert not_pushed([DATA, AFTER]) == not_pushed([DATA, PUSHED]) == not_pushed([DATA]) == ""


def test_done_without_a_pusher():
    champion = Outcome("Champion", "done", 5, pushed(pushed=1, pushed_version="6"))
    found = run_result([DATA, champion])
    assert (found.end, found.version) == ("done", "")


def test_nothing_ran():
    assert run_result([], "r1") == RunResult("done", run="r1")


def test_a_failure_is_the_first_one():
    later = Outcome("Evaluator", "failed", reason="also")
    found = run_result([DATA, FAILED, later], "r1")
    assert found == RunResult("failed", "Trainer", "out of memory", code=1, run="r1")


def test_a_refusal_is_the_gate_s_not_that_of_what_was_skipped_after_it():
    found = run_result([DATA, REFUSED, AFTER], "r1")
    assert found == RunResult("refused", "Evaluator", "auc 0.5 is below 0.6", code=3, run="r1")


def test_without_data_nothing_was_to_do():
    found = run_result([NO_DATA, Outcome("DataGate", "skipped", reason="no data")], "r1")
    assert found == RunResult("failed", "ExampleGen", "no files of 2026-11-23", code=2, run="r1")


@pytest.mark.parametrize(
    ("there", "stays"),
    [(["3", "12", "9", "notes", ".13", "1.5", "²"], "12"), (["notes"], ""), ([], "")],
)
def test_after_a_refusal_the_live_version_stays(tmp_path, there, stays):
    for name in there:
        (tmp_path / name).mkdir()
        (tmp_path / name / "saved_model.pb").write_text("")
    assert run_result([REFUSED], served=tmp_path).version == stays
    if stays:
        promote(tmp_path, 9)
        assert run_result([REFUSED], served=tmp_path).version == "9"


def test_before_a_first_push_no_version_stays(tmp_path):
    assert run_result([REFUSED], served=tmp_path / "served").version == ""


@pytest.mark.parametrize(
    ("outcomes", "kind", "says"),
    [
        ([FAILED], NodeFailed, "Trainer failed: out of memory\n  log: there"),
        (
            [REFUSED],
            GateRefused,
            "Evaluator refused; nothing was pushed, no version has been pushed yet:\n"
            "  auc 0.5 is below 0.6",
        ),
        ([NO_DATA], WrongInput, "ExampleGen was skipped: no files of 2026-11-23"),
    ],
)
def test_what_is_raised(outcomes, kind, says):
    found = run_result(outcomes)
    error = found.error("log: there")
    assert (type(error), str(error)) == (kind, says)
    # The command's exit code is the one that the ending carries.
    assert error.exit_code == found.code


def test_a_reason_of_several_lines_is_set_in():
    found = RunResult("refused", "DataGate", "temp: too high\nmold: unknown", version="6", code=3)
    assert str(found.error()) == (
        "DataGate refused; nothing was pushed, version 6 stays live:\n"
        "  temp: too high\n  mold: unknown"
    )


def test_without_advice_nothing_is_added():
    assert str(RunResult("failed", "Trainer", "why", code=1).error()) == "Trainer failed: why"


@pytest.mark.parametrize("outcomes", [[PUSHED], [FAILED], [REFUSED], [NO_DATA]])
def test_it_is_read_back_from_its_line(outcomes):
    found = run_result(outcomes, "r1")
    assert "\n" not in found.line()
    assert RunResult.from_line(found.line()) == found


def test_a_reason_of_several_lines_is_one_line_of_json():
    found = RunResult("failed", "Trainer", "first\nsecond · ä", code=1)
    assert "\n" not in found.line()
    assert RunResult.from_line(found.line()) == found


@pytest.mark.parametrize(
    "line",
    [
        "no JSON",
        "[]",
        "null",
        "{}",
        '{"end": "banana"}',
        '{"end": 1}',
        '{"end": ["done"]}',
        '{"end": "done", "more": 1}',
        Outcome("Trainer", "done").line(),
        json.dumps({"run": "r1"}),
    ],
)
def test_what_is_no_ending_is_an_error(line):
    with pytest.raises((TypeError, ValueError)):
        RunResult.from_line(line)
