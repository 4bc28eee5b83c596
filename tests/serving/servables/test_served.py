import asyncio
import gc
import json
import logging
import shutil
import time

import numpy as np
import pytest

from beltline.serving.options import Options
from beltline.serving.servables import load_failures
from beltline.serving.servables.served import ServedVersions
from beltline.versions.live import promote, rollback
from tests.serving.servables.broken import BROKEN

pytestmark = pytest.mark.slow


@pytest.fixture
def serve():
    """Starts to serve a folder; all is closed in the end."""
    started = []

    def start(folder):
        started.append(ServedVersions(Options("line", folder, poll_seconds=0.02)))
        started[-1].start()
        return started[-1]

    yield start
    for served in started:
        served.close()


def until(condition, seconds=30.0):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come about"
        time.sleep(0.005)


def live(served):
    return served.live.number if served.live else None


def states(served):
    return {state.number: state.state for state in served.states()}


def error(served, number):
    return next((each.error for each in served.states() if each.number == number), "")


def rows(*heats):
    return {"heat": np.array(heats, np.float32), "mold": np.array(["A"] * len(heats), object)}


async def answer(served, loaded):
    """What it multiplies by."""
    found = await served.run(loaded, "serving_default", rows(1), 1)
    return float(found["probability"][0])


def test_the_newest_is_live_and_the_one_before_is_in_memory(three_versions, serve):
    served = serve(three_versions)
    assert served.live is served.previous is None
    until(lambda: served.previous)
    assert (live(served), served.previous.number) == (3, 2)
    assert served.version(2) is served.previous
    assert served.version(1) is None
    assert states(served) == {3: "AVAILABLE", 2: "AVAILABLE"}
    assert asyncio.run(answer(served, served.live)) == 30


def test_versions_are_pushed_and_promoted_under_load(served_folder, bring, serve):
    served = serve(served_folder)
    until(lambda: served.live)
    answered = set()

    async def ask_on(stop):
        while not stop.is_set():
            loaded = served.live
            assert await answer(served, loaded) == 10 * loaded.number
            answered.add(loaded.number)

    async def becomes(number, act, *given):
        await asyncio.to_thread(act, *given)
        await asyncio.to_thread(until, lambda: live(served) == number and number in answered, 5)
        answered.clear()

    async def play():
        stop = asyncio.Event()
        asking = [asyncio.create_task(ask_on(stop)) for _ in range(8)]
        await becomes(2, bring, 2)
        await becomes(3, bring, 3)
        for _ in range(5):
            await becomes(2, rollback, served_folder)
            await becomes(3, promote, served_folder, 3)
            await becomes(1, promote, served_folder, 1)
            await becomes(3, rollback, served_folder)
        stop.set()
        await asyncio.gather(*asking)

    asyncio.run(play())


def test_a_version_in_use_stays_in_memory(served_folder, bring, serve):
    served = serve(served_folder)
    until(lambda: served.live)
    held = served.live
    bring(2)
    bring(3)
    until(lambda: live(served) == 3 and states(served).get(1) == "UNLOADING")
    assert served.version(1) is None
    assert asyncio.run(answer(served, held)) == 10
    time.sleep(0.2)
    assert states(served)[1] == "UNLOADING"
    assert asyncio.run(answer(served, held)) == 10
    session = held.session
    del held
    until(lambda: states(served)[1] == "END")
    with pytest.raises(Exception, match="closed"):
        session.run("serving_default", rows(1))
    assert error(served, 1) == ""


def test_no_broken_version_ever_becomes_live(served_folder, bring, serve, caplog):
    caplog.set_level(logging.INFO, "beltline.serving")
    served = serve(served_folder)
    until(lambda: served.live)
    for kind, (change, _) in BROKEN.items():
        broken = bring(2, change)
        until(lambda: error(served, 2))
        assert live(served) == 1, kind
        assert asyncio.run(answer(served, served.live)) == 10
        shutil.rmtree(broken.rename(served_folder / ".deleted"))
        until(lambda: 2 not in states(served))
    refused = [each for each in caplog.messages if "version 2 can't be served" in each]
    assert len(refused) == len(BROKEN)
    assert all(each.endswith("; still serving version 1") for each in refused)
    bring(3)
    until(lambda: live(served) == 3)


def test_a_failed_version_is_end_only_once_its_reason_is_logged(served_folder, bring, serve):
    served = serve(served_folder)
    until(lambda: served.live)
    seen = []

    class StateOfEach(logging.Handler):
        def emit(self, record):
            seen.append((record.getMessage(), states(served).get(2)))

    handler, log = StateOfEach(logging.ERROR), logging.getLogger("beltline.serving")
    log.addHandler(handler)
    try:
        bring(2, BROKEN["no vocabulary"][0])
        until(lambda: error(served, 2))
    finally:
        log.removeHandler(handler)
    [(reason, state)] = seen
    assert "version 2 can't be served" in reason
    assert state == "LOADING"


def test_a_repaired_version_becomes_live_and_its_failure_is_logged_once(
    served_folder, bring, serve, caplog, monkeypatch
):
    monkeypatch.setattr(load_failures, "RETRY_SECONDS", 0.1)
    caplog.set_level(logging.INFO, "beltline.serving")
    served = serve(served_folder)
    until(lambda: served.live)
    kept = (served_folder / "1" / "assets" / "molds").read_bytes()
    broken = bring(2, lambda version: (version / "assets" / "molds").unlink())
    until(lambda: error(served, 2))
    time.sleep(0.5)
    assert len([each for each in caplog.messages if "version 2 can't be served" in each]) == 1
    # It is tried again all the while.
    until(lambda: (live(served), states(served)) == (1, {2: "END", 1: "AVAILABLE"}))
    (broken / "assets" / "molds").write_bytes(kept)
    until(lambda: live(served) == 2)
    assert states(served) == {2: "AVAILABLE", 1: "AVAILABLE"}
    until(lambda: caplog.messages[-1] == "now serving version 2 (previously version 1)")


def test_a_version_copied_file_by_file_becomes_live_once_it_is_complete(
    served_folder, three_versions, serve
):
    served = serve(served_folder)
    until(lambda: served.live)
    files = [path for path in (three_versions / "2").rglob("*") if path.is_file()]
    # The graph first: from then on it looks like a version.
    files.sort(key=lambda path: path.name != "saved_model.pb")
    for file in files:
        target = served_folder / "2" / file.relative_to(three_versions / "2")
        target.parent.mkdir(parents=True, exist_ok=True)
        content = file.read_bytes()
        for end in (len(content) // 2, len(content)):
            target.write_bytes(content[:end])
            time.sleep(0.05)
            assert live(served) in ((1, 2) if file == files[-1] else (1,))
    until(lambda: live(served) == 2)
    assert asyncio.run(answer(served, served.live)) == 20


def test_a_server_starts_with_the_newest_version_that_loads(served_folder, bring, serve):
    for number in (2, 3):
        bring(number, lambda version: (version / "saved_model.pb").write_text("garbage"))
    served = serve(served_folder)
    until(lambda: served.live)
    assert live(served) == 1
    assert states(served) == {3: "END", 2: "END", 1: "AVAILABLE"}
    assert "not those that were pushed" in error(served, 3)


def test_it_waits_for_the_first_version(tmp_path, three_versions, serve):
    served = serve(tmp_path / "served")
    time.sleep(0.2)
    assert (live(served), served.states()) == (None, [])
    (tmp_path / "served").mkdir()
    time.sleep(0.1)
    shutil.copytree(three_versions / "2", tmp_path / "staged")
    (tmp_path / "staged").rename(tmp_path / "served" / "2")
    until(lambda: live(served) == 2)


def test_requests_are_answered_whatever_happens_to_the_folder(served_folder, bring, serve, caplog):
    served = serve(served_folder)
    until(lambda: served.live)

    def still_answers():
        time.sleep(0.2)
        assert asyncio.run(answer(served, served.live)) == 10
        assert live(served) == 1

    for garbage in ("", "nonsense", "[]", '{"history": "x", "seen": {}}', "[" * 100_000):
        (served_folder / "live.json").write_text(garbage)
        still_answers()
    (served_folder / "live.json").unlink()
    (served_folder / ("9" * 5000)[:200]).mkdir()
    still_answers()
    away = served_folder.rename(served_folder.with_name("away"))
    still_answers()
    served_folder.write_text("a file in its place")
    still_answers()
    served_folder.unlink()
    away.rename(served_folder)
    bring(2)
    until(lambda: live(served) == 2)
    # Reasons are logged as often as they change, not at every look.
    assert len(caplog.records) < 10


def test_the_previous_version_replaces_a_deleted_live_one(served_folder, bring, serve):
    bring(2)
    served = serve(served_folder)
    until(lambda: served.previous)
    shutil.rmtree(served_folder / "2")
    until(lambda: live(served) == 1)
    assert asyncio.run(answer(served, served.live)) == 10
    until(lambda: states(served) == {1: "AVAILABLE"})


def test_a_version_with_an_invalid_card_is_served(served_folder, bring, serve):
    bring(2, lambda version: (version / "assets.extra" / "version.json").write_text("{"))
    served = serve(served_folder)
    until(lambda: live(served) == 2)


def test_requests_are_answered_while_a_version_loads(served_folder, bring, serve):
    served = serve(served_folder)
    until(lambda: served.live)

    async def play():
        loaded, slowest = served.live, 0.0
        await asyncio.to_thread(bring, 2)
        while live(served) == 1:
            began = time.perf_counter()
            await answer(served, loaded)
            slowest = max(slowest, time.perf_counter() - began)
        return slowest

    assert asyncio.run(play()) < 0.5


def test_stopping_while_it_loads_and_before_it_started(three_versions):
    ServedVersions(Options("line", three_versions)).close()
    served = ServedVersions(Options("line", three_versions))
    served.start()
    served.close()
    served.close()
    assert served.live is None


def test_recorded_rows_of_another_version_are_a_load_failure(served_folder, bring, serve):
    def swap_answers(version):
        file = version / "assets.extra" / "check_rows.json"
        found = json.loads(file.read_text())
        file.write_text(json.dumps({"rows": found["answers"], "answers": found["rows"]}))

    bring(2, swap_answers)
    served = serve(served_folder)
    until(lambda: live(served) == 1)
    assert "check_rows.json lacks the input 'heat'" in error(served, 2)


def test_broken_versions_leak_no_memory(served_folder, bring, serve, monkeypatch):
    monkeypatch.setattr(load_failures, "RETRY_SECONDS", 0.0)
    alive = sessions_alive()
    served = serve(served_folder)
    until(lambda: served.live)
    bring(2, BROKEN["other answers"][0])
    until(lambda: error(served, 2))
    for _ in range(50):
        assert sessions_alive() - alive <= 2
        time.sleep(0.02)


def sessions_alive():
    from beltline.versions.loaded.session import Session

    return sum(isinstance(each, Session) for each in gc.get_objects())
