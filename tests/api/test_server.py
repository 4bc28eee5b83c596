import sys
import time

import pytest

from beltline.api.server import serving
from beltline.base.errors import WrongInput

SAID = "line: http://127.0.0.1:8501/v1/models/line, pages at /docs\nnow serving version 3"


def program(text):
    return [sys.executable, "-c", text]


def test_the_address_is_what_the_server_prints():
    waits = program(f"import time; print({SAID!r}, flush=True); time.sleep(60)")
    with serving(waits) as url:
        assert url == "http://127.0.0.1:8501/v1/models/line"


def test_a_server_that_ends_says_why():
    with (
        pytest.raises(WrongInput, match="serves nothing: no version"),
        serving(program("print('no version')")),
    ):
        pass
    with pytest.raises(WrongInput, match="it said nothing"), serving(program("")):
        pass


def test_an_error_in_the_block_ends_the_server():
    waits = program(f"import time; print({SAID!r}, flush=True); time.sleep(60)")
    begun = time.monotonic()
    with pytest.raises(ZeroDivisionError), serving(waits):
        raise ZeroDivisionError
    assert time.monotonic() - begun < 30, "it was waited for, and not ended"
