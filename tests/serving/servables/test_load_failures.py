import os

from beltline.serving.servables import load_failures
from beltline.serving.servables.load_failures import LoadFailures, fingerprint, is_quiet

BEFORE = frozenset({("graph", 1, 2, 3)})
AFTER = frozenset({("graph", 1, 2, 4)})


def test_a_version_is_retried_once_its_files_changed():
    known = LoadFailures()
    assert not known.is_too_early(7, BEFORE)
    assert known.add(7, "half", BEFORE)
    assert known.is_too_early(7, BEFORE)
    assert not known.is_too_early(7, AFTER)
    assert not known.is_too_early(8, BEFORE)
    known.forget(7)
    known.forget(7)
    assert not known.is_too_early(7, BEFORE)


def test_a_version_is_retried_after_a_while(monkeypatch):
    monkeypatch.setattr(load_failures, "RETRY_SECONDS", 0.0)
    known = LoadFailures()
    known.add(7, "no memory", BEFORE)
    assert not known.is_too_early(7, BEFORE)


def test_a_failure_is_new_only_once():
    known = LoadFailures()
    assert [known.add(7, why, BEFORE) for why in ("a", "a", "b", "b", "a")] == [
        True,
        False,
        True,
        False,
        True,
    ]
    assert known.add(8, "a", BEFORE)


def test_a_fingerprint_changes_with_the_files_and_with_nothing_else(tmp_path):
    version = tmp_path / "1"
    (version / "variables").mkdir(parents=True)
    (version / "graph").write_text("abc")
    (version / "variables" / "data").write_text("123")
    seen = [fingerprint(version)]
    assert fingerprint(version) == seen[0]
    for change in (
        lambda: (version / "variables" / "data").write_text("1234"),
        (version / "variables" / "more").touch,
        lambda: (version / "graph").chmod(0o600),
        (version / "graph").unlink,
    ):
        change()
        assert fingerprint(version) not in seen
        seen.append(fingerprint(version))


def test_unreadable_files_are_left_out(tmp_path):
    (tmp_path / "lost").symlink_to(tmp_path / "nowhere")
    assert fingerprint(tmp_path) == fingerprint(tmp_path / "nowhere") == frozenset()


def test_files_are_quiet_once_they_have_not_changed_for_a_while(tmp_path, monkeypatch):
    (tmp_path / "graph").write_text("abc")
    # A copy may keep the age of what it copies.
    os.utime(tmp_path / "graph", (0, 0))
    assert not is_quiet(fingerprint(tmp_path))
    monkeypatch.setattr(load_failures, "QUIET_SECONDS", 0.0)
    assert is_quiet(fingerprint(tmp_path))
