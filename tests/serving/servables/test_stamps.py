import os

from beltline.serving.servables import stamps
from beltline.serving.servables.stamps import at_rest, stamp


def test_a_stamp_changes_with_the_files_and_with_nothing_else(tmp_path):
    version = tmp_path / "1"
    (version / "variables").mkdir(parents=True)
    (version / "graph").write_text("abc")
    (version / "variables" / "data").write_text("123")
    seen = [stamp(version)]
    assert stamp(version) == seen[0]
    for change in (
        lambda: (version / "variables" / "data").write_text("1234"),
        (version / "variables" / "more").touch,
        lambda: (version / "graph").chmod(0o600),
        (version / "graph").unlink,
    ):
        change()
        assert stamp(version) not in seen
        seen.append(stamp(version))


def test_what_cannot_be_read_is_left_out(tmp_path):
    (tmp_path / "lost").symlink_to(tmp_path / "nowhere")
    assert stamp(tmp_path) == stamp(tmp_path / "nowhere") == frozenset()


def test_files_rest_once_they_have_not_changed_for_a_while(tmp_path, monkeypatch):
    (tmp_path / "graph").write_text("abc")
    # A copy may keep the age of what it copies.
    os.utime(tmp_path / "graph", (0, 0))
    assert not at_rest(stamp(tmp_path))
    monkeypatch.setattr(stamps, "REST_SECONDS", 0.0)
    assert at_rest(stamp(tmp_path))
