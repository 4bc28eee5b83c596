import gc

import pytest

from beltline.base.loading import loading


def test_what_is_loaded_is_never_looked_through_again():
    with loading():
        assert not gc.isenabled()
        kept = [[number] for number in range(1000)]
    assert gc.isenabled()
    assert gc.get_freeze_count() >= len(kept)
    assert not any(each is kept for each in gc.get_objects())


def test_the_collector_is_back_after_an_error():
    with pytest.raises(ImportError), loading():
        raise ImportError("no such module")
    assert gc.isenabled()
