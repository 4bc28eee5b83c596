"""Makes the pictures of the documentation, `docs/images`: `make pictures`.

One project is made, run and served: the terminal that shows it is recorded (session.py), and drawn
as an animation (terminal.py); the report of its run is photographed (screenshots.py).
"""

from pathlib import Path
from tempfile import TemporaryDirectory

import screenshots
import session
import terminal

IMAGES = session.ROOT / "docs/images"
_TITLE = "A terminal: from a table to a served model"
_TEXT = (
    "beltline init looks at parts.csv and says what it decided about each column. beltline run "
    "shows the nodes of the pipeline, each with its state and seconds, and ends with version 1. "
    "beltline serve serves that version. In another terminal, curl sends one part, and gets ok "
    "with the probability of scrap."
)


def main() -> None:
    """Writes all pictures."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        drawn = terminal.rendered(session.record(folder), _TITLE, _TEXT)
        film = IMAGES / "first-five-minutes.svg"
        film.write_text(drawn, encoding="utf-8")
        [report] = (folder / ".beltline/reports").glob("*.html")
        for file in (film, *screenshots.take(report, IMAGES)):
            print(f"{file.relative_to(session.ROOT)}: {file.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
