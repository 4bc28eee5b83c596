"""The pages of the versions in a real Chromium: axe's rules, narrow screens, the keyboard alone."""

import json

import pytest

from beltline.runners.monitor.past import past_file, remember
from beltline.versions.folder import CHECK_ROWS
from beltline.versions.live import live, promote
from beltline.versions.push import hold
from tests.devtools import browser
from tests.runners import projects
from tests.runners.cli.commands.test_models import push_model
from tests.runners.monitor.test_past import report
from tests.runners.projects import Ledger
from tests.runners.ui.pages import started

pytestmark = pytest.mark.slow

PAGES = ["/models", "/models/1", "/models/2", "/models/3", "/models/9", "/monitoring", "/ask"]
TRAINED = json.dumps({"training": {"epochs": 5}, "model": {"hidden": [8]}})


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Two versions and one that waits; of the second, a lineage; a check of the monitoring."""
    folder = tmp_path_factory.mktemp("models")
    (projects.project(folder)).write_text(projects.SETTINGS + "serving: {port: 9}\n")
    paths = projects.paths(folder)
    for run, add in (("r1", {}), ("r2", {}), ("r3", {"add": hold})):
        push_model(folder, run, auc=0.8, rows=3912.0, **add)
    ledger = Ledger(paths.metadata)
    ledger.run("r2")
    rows = {"data_digest": "d" * 64, "rows_train": 1970}
    ledger.node("r2", "ExampleGen", outputs={"examples": ("Examples", rows)}, path="line.csv")
    ledger.node("r2", "Trainer", outputs={"model": ("Model", {})}, custom_config=TRAINED)
    served = paths.served("served", "line")
    for number in (1, 2):
        card = served / str(number) / "assets.extra/version.json"
        columns = {"mold": "text", "temp": "number"}
        card.write_text(
            json.dumps({**json.loads(card.read_text()), "problem": {"columns": columns}})
        )
        (served / str(number) / CHECK_ROWS).write_text('{"rows": {"temp": [1.5], "mold": ["M1"]}}')
    for day in range(3):
        remember(past_file(paths.root, "line"), report(day, skew=0.08))
    return served


@pytest.fixture(scope="module")
def page(place, tmp_path_factory):
    """A browser that has got in."""
    folder = place.parents[2]
    with (
        started(folder, "--no-open") as (_, (_, address)),
        browser(tmp_path_factory.mktemp("browser")) as page,
    ):
        page.base = address.partition("/enter")[0]
        page.open(address)
        yield page


def pressed(page, button):
    """Goes to a button by the Tab key alone, and presses it."""
    for _ in range(40):
        page.press("Tab")
        focused = "(document.activeElement.ariaLabel || document.activeElement.textContent)"
        if page.run(f"{focused}.trim()") == button:
            break
    assert page.run("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    page.press("Enter")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_page_breaks_a_rule_of_axe(page, place, scheme):
    page.scheme(scheme)
    found = {}
    for path in PAGES:
        page.open(page.base + path)
        page.run("document.querySelectorAll('details').forEach((each) => { each.open = true })")
        found[path] = page.breaches()
    for button in ("Approve version 3", "Reject version 3"):
        page.open(f"{page.base}/models")
        page.run(f"document.querySelector('[aria-label=\"{button}\"]').click()")
        page.until(f"document.title.startsWith('{button}?')")
        found[button] = page.breaches()
    page.open(f"{page.base}/ask")
    page.run("document.querySelector('.act').click()")
    page.until("document.querySelector('.problem')")
    found["asked"] = page.breaches()
    assert {path: broken for path, broken in found.items() if broken} == {}
    said = [each for each in page.said if not {"404", "502"} & set(str(each).split())]
    assert said == []


def test_a_version_is_promoted_by_the_keyboard_alone(page, place):
    promote(place, 2)
    page.open(f"{page.base}/models")
    pressed(page, "Promote version 1")
    page.until("document.title.startsWith('Promote version 1?')")
    assert live(place) == 2
    pressed(page, "Promote version 1")
    page.until("document.title.startsWith('Now serving version 1 (was version 2)')")
    assert live(place) == 1


def test_what_was_changed_meanwhile_is_not_changed(page, place):
    promote(place, 2)
    page.open(f"{page.base}/models")
    pressed(page, "Roll back from version 2")
    page.until("document.title.startsWith('Roll back from version 2?')")
    promote(place, 1)
    pressed(page, "Roll back from version 2")
    page.until("document.title.startsWith('Nothing was changed')")
    assert live(place) == 1


def test_on_a_narrow_screen_nothing_is_wider(page):
    for width in (400, 1400):
        size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
        page.call("Emulation.setDeviceMetricsOverride", **size)
        for path in PAGES:
            page.open(page.base + path)
            assert page.run("document.documentElement.scrollWidth") <= width, path
