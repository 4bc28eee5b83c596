import re

from beltline.api import display
from beltline.runners.report import page
from tests.runners.report.reports import REPORT

EVERY = (
    "summary",
    "nodes",
    "data",
    "columns",
    "metrics",
    "curves",
    "slices",
    "training",
    "version",
)


def test_styles_apply_to_the_element_alone():
    shown = display.sections(REPORT, *EVERY)
    [style] = re.findall(r"<style>(.*?)</style>", shown, re.S)
    assert style.startswith(".beltline {") and style.count("{") == style.count("}")
    # What would reach the notebook around it, or take the system's theme for the notebook's.
    for text in (":root", "\nbody {", "\nmain {", "@media", "color-scheme", "\n* {"):
        assert text not in style
    # The page's own rules are there, and no colour that only the page defines.
    assert ".dag rect" in style
    used = set(re.findall(r"var\((--[a-z-]+)\)", style))
    assert used <= set(re.findall(r"(--[a-z-]+):", style))
    assert set(re.findall(r"var\((--[a-z-]+)\)", page.style())) == used


def test_two_displays_share_no_id():
    first, second = (display.sections(REPORT, *EVERY) for _ in range(2))
    ids = [set(re.findall(r' id="([^"]+)"', shown)) for shown in (first, second)]
    assert ids[0] and not ids[0] & ids[1]
    named = re.findall(r' aria-labelledby="([^"]+)"', first)
    assert {name for names in named for name in names.split()} <= ids[0]


def test_each_section_is_shown_without_a_page_and_escaped():
    for name in EVERY:
        shown = display.sections(REPORT, name)
        assert "<html" not in shown and "<main" not in shown
        assert "<Mold" not in shown and "<b>B" not in shown and "<scrap>" not in shown


def test_numbers_and_values_as_text():
    assert [display.number(value) for value in (None, 0.5, 3912.0)] == ["-", "0.5000", "3,912"]
    assert [display.text(value) for value in ("a", ["ü"], 1)] == ["a", '["ü"]', "1"]
    assert display.time(None) == "-"
