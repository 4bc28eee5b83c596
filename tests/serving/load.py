"""Clients that ask a server all the time and check every answer: it must be one version's own."""

import http.client
import json
import threading
import time
from dataclasses import dataclass, field

BODY = json.dumps({"instances": [{"heat": 1.0, "mold": "A"}, {"heat": 2.0, "mold": "?"}]})


@dataclass
class Clients:
    """Some threads, each with a connection of its own."""

    port: int
    number: int = 4
    failed: list[str] = field(default_factory=list)
    asked: int = 0
    latest: str = ""
    slowest: float = 0.0

    def __enter__(self) -> "Clients":
        self._end = threading.Event()
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._ask) for _ in range(self.number)]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        for thread in self._threads:
            thread.join()

    def wait_for(self, version: int, seconds: float = 20) -> float:
        """Waits until that version answers; returns how long it took."""
        begun = time.monotonic()
        while self.latest != str(version):
            if time.monotonic() - begun > seconds:
                raise TimeoutError(f"version {version}: {self.latest} answers")
            time.sleep(0.005)
        return time.monotonic() - begun

    def state(self, version: int) -> str:
        """What the server says of a version; empty if it doesn't know it yet."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        connection.request("GET", f"/v1/models/line/versions/{version}")
        found = json.loads(connection.getresponse().read())
        connection.close()
        return "".join(each["state"] for each in found.get("model_version_status", []))

    def wait_until(self, version: int, state: str, seconds: float = 20) -> None:
        """Waits until the server says this of a version."""
        end = time.monotonic() + seconds
        while self.state(version) != state:
            if time.monotonic() > end:
                raise TimeoutError(f"version {version}: {self.state(version)}, not {state}")
            time.sleep(0.05)

    def _ask(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        while not self._end.is_set():
            begun = time.monotonic()
            try:
                connection.request("POST", "/v1/models/line:predict", BODY)
                answer = connection.getresponse()
                self._check(answer.status, answer.read())
            except Exception as error:
                self.failed.append(repr(error))
                connection.close()
            with self._lock:
                self.asked += 1
                self.slowest = max(self.slowest, time.monotonic() - begun)
            # A steady load, and a core left for what is being tested.
            time.sleep(0.002)
        connection.close()

    def _check(self, status: int, body: bytes) -> None:
        found = json.loads(body)
        if status != 200:
            self.failed.append(f"{status} {found}")
            return
        scale = 10.0 * int(found["version"])
        wanted = [
            {"probability": scale, "class": "known"},
            {"probability": 2 * scale, "class": "unknown"},
        ]
        if found["predictions"] != wanted:
            self.failed.append(f"version {found['version']} answers {found['predictions']}")
        self.latest = found["version"]
