"""Takes pictures of sections of a run's report, in a headless Chromium."""

import html
import json
import re
import shutil
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from PIL import Image

SECTIONS = {
    "report-nodes": ("", "data"),
    "report-columns": ("columns", "metrics"),
    "report-curves": ("metrics", "slices"),
    "report-importance": ("slices", "learners"),
}
"""The pictures: each from the top of a section, or of the page, to that of another."""

_WIDTH, _HEIGHT, _SCALE = 1000, 7000, 1.5
_MOST = 1200  # pixels of the page, from top to bottom: a longer picture ends with a row of a table
_MARGIN = 16
_PLACES = """<script>
const found = (what) => [...document.querySelectorAll(what)];
const box = (each) => each.getBoundingClientRect();
document.body.dataset.places = JSON.stringify({
  tops: Object.fromEntries(found("h2[id]").map((each) => [each.id, box(each).top])),
  ends: found(".columns tbody, table:not(.columns) tr").map((each) => box(each).bottom),
});
</script>"""


def take(report: Path, into: Path) -> list[Path]:
    """Returns the pictures that it has written.

    Args:
      report: the page of a run.
      into: the folder of the pictures.
    """
    written = []
    with TemporaryDirectory() as folder:
        page = Path(folder) / "page.html"
        page.write_text(report.read_text(encoding="utf-8") + _PLACES, encoding="utf-8")
        found = re.search(r'data-places="([^"]*)"', _chromium(page, "--dump-dom"))
        if not found:
            raise SystemExit(f"{report}: Chromium has not shown it")
        places = json.loads(html.unescape(found[1]))
        whole = Path(folder) / "page.png"
        _chromium(report, f"--screenshot={whole}")
        with Image.open(whole) as picture:
            for name, (first, last) in SECTIONS.items():
                top, bottom = _edges(places, first, last)
                box = (0, round(top * _SCALE), _WIDTH * _SCALE, round(bottom * _SCALE))
                file = into / f"{name}.webp"
                picture.crop(box).convert("RGB").save(file, lossless=True)
                written.append(file)
    return written


def _edges(places: dict[str, Any], first: str, last: str) -> tuple[float, float]:
    """Returns where on the page a picture begins and ends, in pixels."""
    tops = {"": _MARGIN, **places["tops"]}
    top, bottom = tops[first] - _MARGIN, tops[last] - _MARGIN
    if bottom - top <= _MOST:
        return top, bottom
    return top, max(end for end in places["ends"] if end <= top + _MOST)


def _chromium(page: Path, *options: str) -> str:
    program = shutil.which("chromium") or shutil.which("google-chrome")
    if not program:
        raise SystemExit("needs Chromium: install it (Debian: chromium)")
    words = [program, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"]
    size = [f"--window-size={_WIDTH},{_HEIGHT}", f"--force-device-scale-factor={_SCALE}"]
    with TemporaryDirectory() as profile:
        return subprocess.run(
            [*words, *size, f"--user-data-dir={profile}", *options, page.absolute().as_uri()],
            check=True,
            capture_output=True,
            text=True,
            timeout=120,
        ).stdout
