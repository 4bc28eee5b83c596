"""A server in the memory that its pod has, under the worst mix of requests that was found."""

import gzip
import json
import secrets
import threading
import time
from collections import Counter
from contextlib import suppress

import pytest
import requests

from tests.serving import running
from tests.serving.memory_group import POD_MEGABYTES, memory_group
from tests.serving.rest.test_hostile import head
from tests.serving.rest.test_predict import ROW
from tests.serving.test_latency import BODIES, GOOD

pytestmark = pytest.mark.slow

# Of random letters: what compresses well is sampled as fast as it is answered.
TEXT = secrets.token_hex(int(7.3 * 2**20))
LARGE_TEXT = json.dumps({"instances": [ROW | {"mold": TEXT}]}).encode()
ROWS = json.dumps({"instances": [ROW | {"mold": "é" * 200}] * 10_000}, ensure_ascii=False).encode()
SECONDS = 10
# The same row as tensors, answered in binary data too.
TENSORS = [
    ("temp", "FP32", b"\0\0\0\0"),
    ("die temp", "INT8", b"\0"),
    ("mold", "BYTES", len(TEXT).to_bytes(4, "little") + TEXT.encode()),
]


@pytest.mark.long
def test_the_worst_mix_stays_below_the_limit_of_the_pod(tmp_path):
    running.small_model(tmp_path / "line" / "1")
    samples = ["--requests", str(tmp_path / "requests")]
    with (
        memory_group(POD_MEGABYTES) as group,
        running.server(tmp_path / "line", tmp_path / "log", *samples, group=group) as server,
    ):
        server.wait_until_ready()
        before = group.peak()
        statuses = _Attack(server).run()
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


class _Attack:
    """Each method sends requests of its kind until `end`, and counts the statuses."""

    def __init__(self, server: running.Server) -> None:
        self.statuses: Counter[int] = Counter()
        self._server = server
        self._end = 0.0

    def run(self) -> Counter[int]:
        """Fills the sampler's queue, then parses, then leaves unread, then all of it at once."""
        kinds = (self.texts, self.bodies, self.unread)
        for phase in (*([each] * 4 for each in kinds), [*kinds, self.others] * 4):
            self._end = time.monotonic() + SECONDS
            threads = [threading.Thread(target=each) for each in phase]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        return self.statuses

    def texts(self) -> None:
        while time.monotonic() < self._end:
            self._post(LARGE_TEXT)

    def bodies(self) -> None:
        while time.monotonic() < self._end:
            for path, content in BODIES.values():
                self._post(content, path)

    def others(self) -> None:
        packed = [gzip.compress(each, 1) for each in (LARGE_TEXT, ROWS)]
        while time.monotonic() < self._end:
            self._post(ROWS)
            for each in packed:
                self._post(each, headers={"Content-Encoding": "gzip"})
            self._infer()

    def _infer(self) -> None:
        inputs = [
            {"name": name, "datatype": kind, "shape": [1], "parameters": {"binary_data_size": size}}
            for name, kind, size in ((name, kind, len(data)) for name, kind, data in TENSORS)
        ]
        asked = {"parameters": {"binary_data_output": True}, "inputs": inputs}
        text = json.dumps(asked).encode()
        headers = {"Inference-Header-Content-Length": str(len(text))}
        body = text + b"".join(data for _, _, data in TENSORS)
        with suppress(requests.ConnectionError):
            self.statuses[self._server.infer(body, headers=headers).status_code] += 1

    def unread(self) -> None:
        kept = []
        while time.monotonic() < self._end:
            kept.append(self._server.connect())
            with suppress(OSError):
                kept[-1].sendall(head(f"Content-Length: {len(LARGE_TEXT)}") + LARGE_TEXT)
        for connection in kept:
            connection.close()

    def _post(self, content: bytes, path=":predict", headers=None) -> None:
        url = self._server.model + path
        # Else it is refused before all of it is sent.
        with suppress(requests.ConnectionError):
            status = requests.post(url, content, headers=headers, timeout=60).status_code
            self.statuses[status] += 1
