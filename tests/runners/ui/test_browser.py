"""The pages in a real Chromium: axe's rules, the keyboard alone, a log that grows."""

import time

import pytest

from beltline.bundle.folder import write
from beltline.runners.metadata.store import BUNDLE, REASON
from tests.bundle import bundles
from tests.devtools import browser
from tests.runners import projects
from tests.runners.projects import Ledger
from tests.runners.ui.pages import started

pytestmark = pytest.mark.slow

PAGES = [
    "/",
    "/?state=failed&text=r",
    "/?text=nothing",
    "/compare?run=failed&run=done",
    "/compare",
    "/runs/done",
    "/runs/failed",
    "/runs/going/nodes/Trainer",
    "/runs/done/nodes/Pusher",
    "/runs/none",
]


# How the focus is seen: around an element, or as the border of a node in the graph.
_SEEN = """
    [document.activeElement, document.activeElement.querySelector("rect")].map(
        (each) => each && getComputedStyle(each)
    ).map((style, at) => style && (at ? style.strokeWidth : style.outlineStyle))
"""


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """The paths of a project with a run that is done, one that has failed, and one that runs."""
    folder = tmp_path_factory.mktemp("pages")
    projects.project(folder)
    paths = projects.paths(folder)
    digest = {BUNDLE: write(paths.bundles, bundles.manifest(), b"", b"").manifest.digest}
    ledger = Ledger(paths.metadata)
    for run, state in (("done", "COMPLETE"), ("failed", "FAILED"), ("going", "RUNNING")):
        ledger.run(run)
        made = {"examples": ("Examples", {"rows_train": 80, "text": "x" * 300})}
        maker = ledger.node(run, "ExampleGen", outputs=made, path="line.csv", **digest)
        properties = {"custom_config": '{"a": {"b": 1}}', **digest}
        if state == "FAILED":
            properties[REASON] = "no memory\nsecond line"
        reader = ledger.node(run, "Trainer", state, **properties)
        ledger.reads(reader, "examples", maker)
        log = paths.log(run, "Trainer")
        log.parent.mkdir(parents=True)
        log.write_text("epoch 1 of 90\n" * 9000)
    return paths


@pytest.fixture(scope="module")
def page(root, tmp_path_factory):
    """A browser that has got in."""
    with (
        started(root.root.parent, "--no-open") as (_, (_, address)),
        browser(tmp_path_factory.mktemp("browser")) as page,
    ):
        page.base = address.partition("/enter")[0]
        page.open(address)
        yield page


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_page_breaks_a_rule_of_axe(page, scheme):
    page.scheme(scheme)
    found = {}
    for path in PAGES:
        page.open(page.base + path)
        found[path] = page.breaches()
    assert {path: broken for path, broken in found.items() if broken} == {}
    assert [each for each in page.said if "404" not in str(each) and "400" not in str(each)] == []


def test_axe_would_find_what_is_wrong(page):
    page.open(f"{page.base}/")
    page.scheme("light")
    page.run("document.querySelector('main').append(new Image())")
    page.run("document.querySelector('h1').style.color = '#ccc'")
    assert {"image-alt", "color-contrast"} <= {rule for _, rule, _ in page.breaches()}


def test_a_log_grows_within_a_second(page, root):
    page.open(f"{page.base}/runs/going/nodes/Trainer")
    log = "document.getElementById('log').textContent"
    assert page.run(f"{log}.length") < 70_000
    took = []
    with root.log("going", "Trainer").open("a") as file:
        for number in range(6):
            # At any moment between two of its looks.
            time.sleep(0.07 * number)
            begins = time.monotonic()
            file.write(f"grown {number} ä\n")
            file.flush()
            page.until(f"{log}.endsWith('grown {number} ä\\n')")
            took.append(time.monotonic() - begins)
    assert max(took) < 1, took
    assert page.run("log.scrollHeight - log.scrollTop - log.clientHeight") < 8


def test_the_keyboard_alone_leads_to_a_node(page):
    page.open(f"{page.base}/")
    page.press("Tab")
    assert page.run("document.activeElement.className") == "skip"
    assert page.run("document.activeElement.getBoundingClientRect().left") >= 0
    page.press("Enter")
    assert page.run("document.activeElement.id") == "content"
    page.open(f"{page.base}/runs/done")
    for _ in range(20):
        page.press("Tab")
        outline, stroke = page.run(_SEEN)
        assert outline == "solid" or stroke == "4px"
        if page.run("document.activeElement.id") == "graph-Trainer":
            break
    page.press("Enter")
    page.until("location.pathname === '/runs/done/nodes/Trainer'")
    assert page.run("location.hash") == "#node"
    assert page.run("document.title").startswith("Node Trainer, run done")


def test_a_page_follows_its_run_to_the_end(page, root):
    ledger = Ledger(root.metadata)
    ledger.run("ending")
    first = ledger.node("ending", "ExampleGen", "RUNNING")
    log = root.log("ending", "ExampleGen")
    page.open(f"{page.base}/runs/ending/nodes/ExampleGen")
    assert page.run("document.getElementById('log').textContent") == ""
    page.run("document.getElementById('row-ExampleGen').focus()")
    log.parent.mkdir()
    log.write_text("at last\n")
    page.until("document.getElementById('log').textContent === 'at last\\n'")
    second = ledger.node("ending", "Trainer", "RUNNING")
    page.until("document.getElementById('row-Trainer')")
    assert page.run("document.activeElement.id") == "row-ExampleGen"
    for each in (first, second):
        ledger.end(each, "COMPLETE")
    page.until("!document.querySelector('[data-running]')")
    assert page.run("document.querySelector('#state .state').textContent") == "done"
    assert page.run("document.querySelector('#run .state').textContent") == "done"


def test_on_a_narrow_screen_nothing_is_wider(page):
    for width in (400, 1400):
        page.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=900,
            deviceScaleFactor=1,
            mobile=False,
        )
        for path in PAGES:
            page.open(page.base + path)
            assert page.run("document.documentElement.scrollWidth") <= width, path
