import pytest

from beltline.runners.ui.node_log import TAIL, Piece, read_from, tail


def test_a_log_is_read_on_from_where_it_ended(tmp_path):
    log = tmp_path / "Trainer.log"
    assert read_from(log, 0) == tail(log) == Piece()
    log.write_bytes(b"first\n")
    assert read_from(log, 0) == Piece(0, 6, "first\n")
    assert read_from(log, 6) == Piece(6, 6)
    with log.open("ab") as file:
        file.write(b"second\n")
    assert read_from(log, 6) == Piece(6, 13, "second\n")


def test_half_a_character_is_left_for_the_next_time(tmp_path):
    log = tmp_path / "Trainer.log"
    log.write_bytes("Größe".encode()[:4])
    first = read_from(log, 0)
    assert (first.text, first.end) == ("Gr\u00f6", 4)
    log.write_bytes("Größe".encode()[:5])
    cut = read_from(log, first.end)
    assert (cut.text, cut.end) == ("", 4)
    log.write_bytes("Größe".encode())
    assert read_from(log, cut.end).text == "ße"
    # What is no UTF-8 at all does not hold the rest up.
    log.write_bytes(b"a\xff\xfeb")
    assert read_from(log, 0) == Piece(0, 4, "a\ufffd\ufffdb")


@pytest.mark.parametrize("start", [-1, 7, 10**30])
def test_a_log_that_was_begun_anew_is_read_from_its_beginning(tmp_path, start):
    log = tmp_path / "Trainer.log"
    log.write_bytes(b"again\n")
    assert read_from(log, start) == Piece(0, 6, "again\n")


def test_a_long_log_comes_in_pieces(tmp_path):
    log, whole = tmp_path / "Trainer.log", b"".join(b"line %d\n" % n for n in range(80_000))
    log.write_bytes(whole)
    found, piece = [], Piece(more=True)
    while piece.more:
        piece = read_from(log, piece.end)
        found.append(piece.text)
    assert len(found) == 4
    assert "".join(found).encode() == whole


def test_the_tail_is_whole_lines(tmp_path):
    log, whole = tmp_path / "Trainer.log", b"".join(b"line %d\n" % n for n in range(80_000))
    log.write_bytes(whole)
    end = tail(log)
    assert end.end == len(whole)
    assert end.text.startswith("line ")
    assert whole.decode().endswith(end.text)
    assert TAIL - 20 < len(end.text) <= TAIL
    log.write_bytes(b"x" * (2 * TAIL))
    assert tail(log).text == "x" * TAIL
    log.write_bytes(b"short")
    assert tail(log) == Piece(0, 5, "short")


def test_what_a_terminal_would_obey_is_shown_escaped(tmp_path):
    log = tmp_path / "Trainer.log"
    log.write_bytes("\x1b[31mred\u202e\0".encode())
    assert read_from(log, 0).text == "\\x1b[31mred\\u202e\\x00"


def test_a_folder_in_its_place_is_empty(tmp_path):
    assert read_from(tmp_path, 0) == Piece()
    assert tail(tmp_path).text == ""
