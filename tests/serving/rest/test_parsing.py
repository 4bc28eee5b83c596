import asyncio
import gc
import threading
import weakref

import pytest

from beltline.serving.rest.parsing import LARGE, Parsing
from beltline.serving.rest.responses import HttpError, bad_request


@pytest.fixture
def parsing():
    found = Parsing()
    yield found
    found.close()


def run(parsing, size, parse):
    return asyncio.run(parsing.run(size, parse))


def test_a_small_request_is_parsed_on_the_event_loop_and_a_large_one_is_not(parsing):
    here = threading.current_thread()
    assert run(parsing, LARGE - 1, threading.current_thread) is here
    assert run(parsing, LARGE, threading.current_thread) is not here


def test_no_garbage_is_collected_while_a_large_request_is_parsed(parsing):
    assert run(parsing, LARGE, gc.isenabled) is False
    assert gc.isenabled()
    with pytest.raises(ZeroDivisionError):
        run(parsing, LARGE, lambda: 1 // 0)
    assert gc.isenabled()


class Document(dict):
    """A document that one can refer to weakly."""


def test_an_error_does_not_hold_what_was_parsed(parsing):
    held = []

    def parse():
        document = Document()
        held.append(weakref.ref(document))
        try:
            document["instances"]
        except KeyError:
            raise bad_request("no instances") from None

    with pytest.raises(HttpError, match="no instances"):
        run(parsing, LARGE, parse)
    gc.disable()
    try:
        with pytest.raises(HttpError) as caught:
            run(parsing, LARGE, parse)
        assert caught.value.status == 400
        assert held[-1]() is None
    finally:
        gc.enable()
