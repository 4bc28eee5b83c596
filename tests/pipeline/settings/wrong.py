"""What reading says of settings that are wrong."""

import os
import textwrap

import pytest

from beltline.base.errors import WrongInput
from beltline.pipeline.settings.reading import read_project
from tests.pipeline.components.small import SETTINGS, write


def wrong(file, *overrides):
    """What reading says is wrong, without the file's folder."""
    with pytest.raises(WrongInput) as caught:
        read_project(file, overrides)
    return str(caught.value).replace(f"{file.parent}{os.sep}", "")


def wrong_text(folder, text):
    return wrong(write(folder, textwrap.dedent(text)))


def with_lines(*lines):
    return SETTINGS + "\n".join(lines) + "\n"
