"""Writes the HTML page of a command."""

from pathlib import Path

from beltline.base.errors import WrongInput
from beltline.base.files import replace


def write_page(file: Path, html: str) -> None:
    """Writes a page atomically, and creates its folder.

    Raises:
      WrongInput: the file is not writable.
    """
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        replace(file, html)
    except OSError as error:
        raise WrongInput(f"{file}: not writable: {error.strerror}") from None
