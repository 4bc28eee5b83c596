"""A server in the memory that its pod has, under the worst mix of requests that was found."""

import gzip
import json
import random
import threading
import time

import pytest
import requests

from tests.serving import running
from tests.serving.memory_group import memory_group
from tests.serving.rest.test_hostile import head
from tests.serving.rest.test_predict import ROW
from tests.serving.test_latency import BODIES, GOOD

pytestmark = pytest.mark.slow

# As deploy/kubernetes has it.
POD_MEGABYTES = 1536
LARGE_TEXT = json.dumps({"instances": [ROW | {"mold": "x" * int(14.6 * 2**20)}]}).encode()
ROWS = json.dumps({"instances": [ROW | {"mold": "é" * 200}] * 10_000}, ensure_ascii=False).encode()
SECONDS = 25


def test_the_worst_mix_stays_below_the_limit_of_the_pod(tmp_path):
    running.small_model(tmp_path / "line" / "1")
    samples = ["--requests", str(tmp_path / "requests")]
    with (
        memory_group(POD_MEGABYTES) as group,
        running.server(tmp_path / "line", tmp_path / "log", *samples, group=group) as server,
    ):
        server.wait_until_ready()
        before = group.peak()
        statuses = _attack(server)
        # The libraries' files are counted in the group that read them first, which may be another.
        peak, resident = group.peak(), server.memory("VmHWM")
        assert server.process.poll() is None, server.log.read_text()
        assert server.ask(GOOD).status_code == 200
        assert server.look("/healthz").status_code == 200
        dropped = server.look("/metrics").text.partition('rows_total{outcome="dropped"} ')[2]
    print(f"{before:.0f} MiB before, {peak:.0f} at most, {resident:.0f} resident; {statuses}")
    assert max(peak, resident) < POD_MEGABYTES
    # Some of each: it was the worst mix.
    assert {200, 400, 503} <= statuses.keys()
    assert float(dropped.splitlines()[0]) > 0


def _attack(server: running.Server) -> dict[int, int]:
    end = time.monotonic() + SECONDS
    statuses: dict[int, int] = {}
    sent = [(path, {}, content) for path, content in BODIES.values()]
    sent += [(":predict", {}, LARGE_TEXT)] * 12 + [(":predict", {}, ROWS)] * 4
    packed = {"Content-Encoding": "gzip"}
    sent += [(":predict", packed, gzip.compress(each, 1)) for each in (LARGE_TEXT, ROWS)]

    def ask(seed: int) -> None:
        chance = random.Random(seed)  # noqa: S311 # it needs no secret
        while time.monotonic() < end:
            path, headers, content = chance.choice(sent)
            try:
                answer = requests.post(server.model + path, content, headers=headers, timeout=60)
            except requests.ConnectionError:
                # Refused before it was sent.
                continue
            statuses[answer.status_code] = statuses.get(answer.status_code, 0) + 1

    def never_read() -> None:
        unread = []
        while time.monotonic() < end:
            unread.append(server.connect())
            try:
                unread[-1].sendall(head(f"Content-Length: {len(LARGE_TEXT)}") + LARGE_TEXT)
            except OSError:
                continue
        for connection in unread:
            connection.close()

    threads = [threading.Thread(target=ask, args=[seed]) for seed in range(36)]
    threads += [threading.Thread(target=never_read) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return statuses
