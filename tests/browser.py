"""Pages in a real browser: how wide one is, what it shows, and what it loads."""

import json
import re
import shutil
import subprocess

import pytest


def width_of(html, width, folder):
    """Returns the pixels that a page takes from side to side on a screen of this width.

    Skips the test where there is no Chromium.
    """
    (folder / "page.html").write_text(html)
    frame = folder / "frame.html"
    # A window is never narrower than 500 pixels; a frame may be.
    frame.write_text(
        f'<iframe id="f" src="page.html" width="{width}" height="900"></iframe><p id="w"></p>'
        "<script>f.onload = () => "
        "{ w.textContent = 'width ' + f.contentDocument.documentElement.scrollWidth }</script>"
    )
    shown = _dumped(f"file://{frame}", folder, "--allow-file-access-from-files")
    [found] = re.findall(r"width (\d+)", shown)
    return int(found)


def page_in_browser(address, folder, *options):
    """Returns the document of a page once its scripts have run; no certificate is verified.

    Skips the test where there is no Chromium.
    """
    return _dumped(address, folder, "--ignore-certificate-errors", *options)


def page_and_requests(address, folder):
    """Returns the document of a page once its scripts have run, and the URLs it asked hosts for.

    Skips the test where there is no Chromium.
    """
    log = folder / "requests.json"
    shown = _dumped(address, folder, f"--log-net-log={log}")
    said = [event.get("params", {}) for event in json.loads(log.read_text())["events"]]
    # What Chromium asks for by itself has no origin.
    asked = [each for each in said if each.get("initiator", "not an origin") != "not an origin"]
    return shown, [each["url"] for each in asked]


def _dumped(address, folder, *options):
    chromium = shutil.which("chromium")
    if not chromium:
        pytest.skip("chromium is not installed")
    return subprocess.run(
        [
            *(chromium, "--headless", "--no-sandbox", "--disable-gpu", "--dump-dom", *options),
            f"--user-data-dir={folder / 'profile'}",
            *("--window-size=1400,1000", "--virtual-time-budget=3000", address),
        ],
        capture_output=True,
        text=True,
        timeout=120,
    ).stdout
