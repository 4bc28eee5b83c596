"""How wide a page is in a real browser."""

import re
import shutil
import subprocess

import pytest


def width_of(html, width, folder):
    """Returns the pixels that a page takes from side to side on a screen of this width.

    Skips the test where there is no Chromium.
    """
    chromium = shutil.which("chromium")
    if not chromium:
        pytest.skip("chromium is not installed")
    (folder / "page.html").write_text(html)
    frame = folder / "frame.html"
    # A window is never narrower than 500 pixels; a frame may be.
    frame.write_text(
        f'<iframe id="f" src="page.html" width="{width}" height="900"></iframe><p id="w"></p>'
        "<script>f.onload = () => "
        "{ w.textContent = 'width ' + f.contentDocument.documentElement.scrollWidth }</script>"
    )
    shown = subprocess.run(
        [
            *(chromium, "--headless", "--no-sandbox", "--disable-gpu", "--dump-dom"),
            *("--allow-file-access-from-files", f"--user-data-dir={folder / 'profile'}"),
            *("--window-size=1400,1000", "--virtual-time-budget=3000", f"file://{frame}"),
        ],
        capture_output=True,
        text=True,
        timeout=120,
    )
    [found] = re.findall(r"width (\d+)", shown.stdout)
    return int(found)
