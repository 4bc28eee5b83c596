"""Asks a server that may still be starting."""

import time
import urllib.error
import urllib.request


def status(port: int, path: str, token: str = "", wait: float = 60) -> int:
    """The status that a server of this machine answers with, once it does."""
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}")
    if token:
        request.add_header("Authorization", f"Bearer {token}")
    deadline = time.monotonic() + wait
    while True:
        try:
            with urllib.request.urlopen(request, timeout=5) as answered:  # noqa: S310 - http above
                return int(answered.status)
        except urllib.error.HTTPError as error:
            return error.code
        except OSError:
            assert time.monotonic() < deadline, "no answer"
            time.sleep(0.2)
