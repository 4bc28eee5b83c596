import threading
import time

import pytest

from beltline.pipeline.components.examples.in_order import in_order


def test_results_come_in_the_order_of_the_items_however_long_each_takes():
    def later_is_faster(item):
        time.sleep(0.02 / (1 + item))
        return item

    assert list(in_order(later_is_faster, range(20))) == list(range(20))


def test_it_works_only_a_few_items_ahead():
    started = []
    results = in_order(started.append, iter(range(1000)))
    next(results)
    assert len(started) < 20
    assert threading.active_count() < 20


def test_an_error_is_the_callers():
    with pytest.raises(ZeroDivisionError):
        list(in_order(lambda item: 1 / item, [1, 0, 2]))
