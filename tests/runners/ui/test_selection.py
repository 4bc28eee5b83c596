import pytest

from beltline.runners.history import RunSummary
from beltline.runners.ui.selection import Selection


def run(name, state="done", version="", bundle="abc"):
    return RunSummary(name, 1.0, 2.0, state, version, bundle)


RUNS = [run("c", "failed"), run("B-1", "refused", bundle="f00"), run("a", version="12")]


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ({}, ["c", "B-1", "a"]),
        ({"state": "failed"}, ["c"]),
        ({"state": "nonsense"}, []),
        ({"text": "b-"}, ["B-1"]),
        ({"text": "  F00 "}, ["B-1"]),
        ({"text": "version 12"}, ["a"]),
        ({"text": "version"}, ["a"]),
        ({"text": "ß"}, []),
        ({"state": "done", "text": "c"}, ["a"]),
    ],
)
def test_a_state_and_a_text_select_runs(query, names):
    found = Selection.from_query(query).of(RUNS)
    assert [each.run for each in found.runs] == names
    assert found.count == len(names)


@pytest.mark.parametrize(
    ("page", "shown", "first"),
    [("", 1, "r0"), ("2", 2, "r50"), ("3", 3, "r100"), ("99", 3, "r100"), ("0", 1, "r0")]
    + [(bad, 1, "r0") for bad in ("-1", "x", "1.5", "²", "9" * 5000)],
)
def test_runs_come_a_page_at_a_time(page, shown, first):
    runs = [run(f"r{number}") for number in range(120)]
    found = Selection.from_query({"page": page}).of(runs)
    assert (found.page, found.pages, found.count) == (shown, 3, 120)
    assert found.runs[0].run == first
    assert len(found.runs) == (20 if shown == 3 else 50)


def test_the_pages_beside_keep_what_was_asked_for():
    runs = [run(f"ä&{number}") for number in range(120)]
    found = Selection.from_query({"page": "2", "text": "ä&", "state": "done"}).of(runs)
    assert found.newer == "?state=done&text=%C3%A4%26&page=1"
    assert found.older == "?state=done&text=%C3%A4%26&page=3"
    assert Selection().of([]).newer == Selection().of([]).older == ""
