import asyncio
import gc
import time
import weakref

import numpy as np
import pytest

from beltline.base.settings.serving import ServingLimits
from beltline.serving.servables.batching import Batcher
from beltline.serving.servables.errors import Overloaded, TimedOut
from beltline.versions.loaded.errors import ModelFailed, WrongValues
from tests.serving.servables.counting import Counting


def asked(test, **limits):
    """Runs `test(batcher, model, ask)` on an event loop; `ask(1, 2)` asks two rows."""

    async def run():
        batcher = Batcher(ServingLimits(**limits))
        model = Counting()

        def ask(*values, of=model, signature="double"):
            inputs = {"x": np.array(values, np.float32)}
            return asyncio.ensure_future(batcher.run(of, signature, inputs, len(values)))

        try:
            await test(batcher, model, ask)
        finally:
            model.free.set()
            batcher.close()

    asyncio.run(run())


async def until(condition):
    for _ in range(500):
        if condition():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it did not come about in 5 s")


async def busy(model, ask):
    """Has the model held up by a question; returns that question."""
    model.free.clear()
    first = ask(0)
    await until(lambda: model.asked)
    return first


def test_an_idle_model_runs_a_single_row_at_once():
    async def test(batcher, model, ask):
        assert (await ask(1))["y"].tolist() == [2]
        assert (await ask(2, 3))["y"].tolist() == [4, 6]
        assert model.asked == [[1], [2, 3]]
        assert (batcher.waiting_rows, batcher.batches) == (0, 2)

    asked(test)


def test_waiting_requests_run_as_one_batch():
    async def test(batcher, model, ask):
        first = await busy(model, ask)
        others = [ask(1), ask(2, 3), ask(), ask(4)]
        await asyncio.sleep(0.01)
        assert batcher.waiting_rows == 5
        model.free.set()
        found = [answer["y"].tolist() for answer in await asyncio.gather(first, *others)]
        assert found == [[0], [2], [4, 6], [], [8]]
        assert model.asked == [[0], [1, 2, 3, 4]]
        assert batcher.waiting_rows == 0

    asked(test)


def test_batches_have_at_most_batch_rows():
    async def test(batcher, model, ask):
        first = await busy(model, ask)
        others = [ask(1, 2), ask(3, 4), ask(5), ask(6)]
        await asyncio.sleep(0.01)
        model.free.set()
        await asyncio.gather(first, *others)
        assert model.asked == [[0], [1, 2], [3, 4, 5], [6]]

    asked(test, batch_rows=3)


def test_small_requests_run_between_the_parts_of_a_large_one():
    async def test(batcher, model, ask):
        model.free.clear()
        large = ask(*range(6))
        await until(lambda: model.asked)
        small = ask(50)
        await asyncio.sleep(0.01)
        model.free.set()
        assert (await small)["y"].tolist() == [100]
        assert (await large)["y"].tolist() == [0, 2, 4, 6, 8, 10]
        assert model.asked == [[0, 1], [50], [2, 3], [4, 5]]

    asked(test, batch_rows=2)


def test_an_invalid_row_fails_only_its_own_request():
    async def test(batcher, model, ask):
        first = await busy(model, ask)
        others = [ask(1), ask(-2), ask(3), ask(1313), ask(5, -6), ask(7)]
        await asyncio.sleep(0.01)
        model.free.set()
        found = await asyncio.gather(first, *others, return_exceptions=True)
        assert [found[i]["y"].tolist() for i in (0, 1, 3, 6)] == [[0], [2], [6], [14]]
        assert [type(found[i]) for i in (2, 4, 5)] == [WrongValues, ModelFailed, WrongValues]
        assert [str(found[i]) for i in (2, 4, 5)] == [
            "-2.0 is below zero",
            "1313",
            "-6.0 is below zero",
        ]
        assert (await ask(8))["y"].tolist() == [16]

    asked(test)


def test_versions_and_signatures_run_in_different_batches():
    async def test(batcher, model, ask):
        other = Counting(2)
        first = await busy(model, ask)
        wholes = [ask(1, signature="whole"), ask(2, signature="whole")]
        others = [ask(3), ask(4, of=other), ask(5), ask(6, of=other)]
        await asyncio.sleep(0.01)
        model.free.set()
        await asyncio.gather(first, *wholes, *others)
        assert model.asked == [[0], [1], [2], [3, 5]]
        assert other.asked == [[4, 6]]

    asked(test)


def test_a_model_without_a_row_dimension_runs_requests_one_by_one():
    class Summing(Counting):
        def run(self, name, inputs):
            self.asked.append(inputs["x"].tolist())
            assert self.free.wait(10)
            return {"y": inputs["x"].sum(keepdims=True)}

    async def test(batcher, model, ask):
        summing = Summing()
        summing.free.clear()
        sums = [ask(0, of=summing)]
        await until(lambda: summing.asked)
        sums += [ask(1, 2, of=summing), ask(3, 4, of=summing)]
        await asyncio.sleep(0.01)
        summing.free.set()
        found = await asyncio.gather(*sums)
        assert [answer["y"].tolist() for answer in found] == [[0], [3], [7]]

    asked(test)


def test_rows_of_different_shapes_run_in_different_batches():
    async def test(batcher, model, ask):
        first = await busy(model, ask)
        pairs = [batcher.run(model, "double", {"x": np.ones((1, n))}, 1) for n in (2, 3, 2)]
        others = [asyncio.ensure_future(pair) for pair in pairs]
        await asyncio.sleep(0.01)
        model.free.set()
        found = await asyncio.gather(first, *others)
        assert [answer["y"].shape for answer in found] == [(1,), (1, 2), (1, 3), (1, 2)]
        assert len(model.asked) == 3

    asked(test)


def test_a_full_queue_refuses_at_once():
    async def test(batcher, model, ask):
        first = await busy(model, ask)
        others = [ask(1, 2), ask(3)]
        await asyncio.sleep(0.01)
        with pytest.raises(Overloaded, match="4 rows wait"):
            await ask(4)
        model.free.set()
        await asyncio.gather(first, *others)
        assert (await ask(4))["y"].tolist() == [8]

    asked(test, queue_rows=4)


def test_an_idle_model_takes_a_request_larger_than_the_queue():
    async def test(batcher, model, ask):
        assert len((await ask(*range(100)))["y"]) == 100

    asked(test, batch_rows=8, queue_rows=4)


def test_requests_time_out():
    async def test(batcher, model, ask):
        first = await busy(model, ask)
        second = ask(1)
        began = time.monotonic()
        for late in (first, second):
            with pytest.raises(TimedOut, match=r"within 0\.2 seconds"):
                await late
        assert time.monotonic() - began < 2
        assert batcher.waiting_rows == 0
        model.free.set()
        assert (await ask(2))["y"].tolist() == [4]
        # Nobody waited for the second any more.
        assert model.asked == [[0], [2]]

    asked(test, timeout_seconds=0.2)


def test_cancelled_requests_are_not_run():
    async def test(batcher, model, ask):
        first = await busy(model, ask)
        second, third = ask(1), ask(2)
        await asyncio.sleep(0.01)
        second.cancel()
        await asyncio.sleep(0.01)
        model.free.set()
        assert (await third)["y"].tolist() == [4]
        await first
        assert model.asked == [[0], [2]]
        assert batcher.waiting_rows == 0

    asked(test)


def test_waiting_requests_are_answered_before_the_batcher_closes():
    async def test(batcher, model, ask):
        first = await busy(model, ask)
        others = [ask(n) for n in range(20)]
        await asyncio.sleep(0.01)
        closing = asyncio.get_running_loop().run_in_executor(None, batcher.close)
        await asyncio.sleep(0.05)
        with pytest.raises(ModelFailed, match="stopping"):
            await ask(1)
        model.free.set()
        await closing
        assert [len(a["y"]) for a in await asyncio.gather(first, *others)] == [1] * 21

    asked(test, batch_rows=4)


def test_the_batcher_keeps_no_reference_to_a_version():
    async def test(batcher, model, ask):
        other = Counting(2)
        gone = weakref.ref(other)
        await ask(1, of=other)
        with pytest.raises(WrongValues):
            await ask(-1, of=other)
        del other
        gc.collect()
        await until(lambda: gone() is None)

    asked(test)
