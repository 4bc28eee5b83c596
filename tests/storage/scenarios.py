"""What holds of every store: one in this process, and servers of both interfaces."""

import threading
import time

import pytest

from beltline.storage import lease, objects
from beltline.storage.url import ObjectUrl


def check_objects(url: ObjectUrl) -> None:
    """Writes, reads, lists and deletes objects below a URL, which is empty before and after."""
    with pytest.raises(FileNotFoundError):
        objects.read(url / "one")
    assert objects.prefixes(url) == []
    objects.write(url / "one", b"1")
    objects.write(url / "one", b"12")
    objects.write(url / "sub" / "grün 2.txt", b"")
    assert objects.read(url / "one") == b"12"
    assert objects.prefixes(url) == [url / "sub"]
    objects.delete(url / "one")
    objects.delete(url / "one")
    with pytest.raises(FileNotFoundError):
        objects.read(url / "one")
    objects.delete_below(url)
    objects.delete_below(url)
    assert objects.prefixes(url) == []


def holders_at_once(url: ObjectUrl, number: int, seconds: float) -> list[int]:
    """Returns how many held a lease whenever one of several threads got it."""
    holders: list[int] = []
    counted: list[int] = []

    def hold() -> None:
        with lease.leased(url):
            holders.append(1)
            counted.append(len(holders))
            time.sleep(seconds)
            holders.pop()

    threads = [threading.Thread(target=hold) for _ in range(number)]
    for each in threads:
        each.start()
    for each in threads:
        each.join(120)
    return counted
