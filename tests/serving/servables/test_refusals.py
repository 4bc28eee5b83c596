from beltline.serving.servables import refusals
from beltline.serving.servables.refusals import Refusals

BEFORE = frozenset({("graph", 1, 2, 3)})
AFTER = frozenset({("graph", 1, 2, 4)})


def test_a_version_is_tried_again_once_its_files_changed():
    known = Refusals()
    assert not known.stands(7, BEFORE)
    assert known.add(7, "half", BEFORE)
    assert known.stands(7, BEFORE)
    assert not known.stands(7, AFTER)
    assert not known.stands(8, BEFORE)
    known.forget(7)
    known.forget(7)
    assert not known.stands(7, BEFORE)


def test_a_version_is_tried_again_after_a_while(monkeypatch):
    monkeypatch.setattr(refusals, "RETRY_SECONDS", 0.0)
    known = Refusals()
    known.add(7, "no memory", BEFORE)
    assert not known.stands(7, BEFORE)


def test_a_reason_is_news_once():
    known = Refusals()
    assert [known.add(7, why, BEFORE) for why in ("a", "a", "b", "b", "a")] == [
        True,
        False,
        True,
        False,
        True,
    ]
    assert known.add(8, "a", BEFORE)
