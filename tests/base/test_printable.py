import pytest

from beltline.base.printable import printable


@pytest.mark.parametrize(
    "text",
    ["", "plain", "Über 9 °C", "two\nlines\tand a tab", "日本語", "क्‍ष", "👩‍🔬", "שלום", "a b"],
)
def test_a_text_that_only_writes_is_unchanged(text):
    assert printable(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[2J\x1b]0;x\x07", r"\x1b[2J\x1b]0;x\x07"),
        ("a\rb\x08\x7f\x00", r"a\rb\x08\x7f\x00"),
        ("\x9b31m", r"\x9b31m"),
        ("\u202egpj.exe\u202c", r"\u202egpj.exe\u202c"),
        ("\u2066a\u2069\u200f\u200e\u061c", r"\u2066a\u2069\u200f\u200e\u061c"),
        ("\u2028\u2029\ufeff\u200b", r"\u2028\u2029\ufeff\u200b"),
        ("\ud800", r"\ud800"),
        ("\U000e0041", r"\U000e0041"),
    ],
)
def test_what_moves_the_cursor_or_turns_the_writing_is_escaped(text, shown):
    assert printable(f"mold {text}") == f"mold {shown}"
