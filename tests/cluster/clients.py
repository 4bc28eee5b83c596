"""Clients that ask a server without pause, each on a connection of its own."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import requests

CLIENTS = 16
# As long as Kubernetes may take to tell every machine that a pod is gone.
_PAUSE = 1.0


@dataclass
class Answers:
    """What the clients got: the seconds of each answer, and each failure."""

    seconds: list[float] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    retried: int = 0
    versions: set[str] = field(default_factory=set)

    def quantile(self, share: float) -> float:
        """Returns the seconds within which that share of the answers came."""
        return sorted(self.seconds)[int(share * (len(self.seconds) - 1))]


@contextmanager
def asking(url: str, document: object) -> Iterator[Answers]:
    """Has all clients ask until the block ends."""
    answers, over = Answers(), threading.Event()
    body = json.dumps(document)
    threads = [
        threading.Thread(target=_ask, args=(url, body, answers, over)) for _ in range(CLIENTS)
    ]
    for each in threads:
        each.start()
    try:
        yield answers
    finally:
        over.set()
        for each in threads:
            each.join()


def _ask(url: str, body: str, answers: Answers, over: threading.Event) -> None:
    session = requests.Session()
    while not over.is_set():
        begun = time.monotonic()
        try:
            answer = _with_one_retry(session, url, body, answers)
        except requests.RequestException as error:
            answers.failures.append(repr(error))
            continue
        answers.seconds.append(time.monotonic() - begun)
        if answer.status_code == 200:
            answers.versions.add(answer.json()["version"])
        else:
            answers.failures.append(f"{answer.status_code} {answer.text}")
        # So that 16 clients leave the servers some of two cores.
        time.sleep(0.05)


def _with_one_retry(
    session: requests.Session, url: str, body: str, answers: Answers
) -> requests.Response:
    try:
        return session.post(url, body, timeout=30)
    except requests.ConnectionError:
        answers.retried += 1
        time.sleep(_PAUSE)
        return session.post(url, body, timeout=30)
