"""Where a command writes a page for people."""

from pathlib import Path

from beltline.base.errors import WrongInput
from beltline.base.files import replace


def write_page(file: Path, html: str) -> None:
    """Writes a page, whole or not at all, and the folder that it is to be in.

    Raises:
      WrongInput: it can't be written.
    """
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        replace(file, html)
    except OSError as error:
        raise WrongInput(f"{file}: can't be written: {error.strerror}") from None
