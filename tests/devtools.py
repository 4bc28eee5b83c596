"""A page in a real browser that a test drives: by its keys, its scripts, and what it looks like."""

import base64
import json
import shutil
import subprocess
import time
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import pytest
from websocket import create_connection

_SECONDS = 30


class Navigated(Exception):
    """The page went elsewhere before it had answered."""


class Page:
    """A page of Chromium, over its DevTools protocol."""

    def __init__(self, address):
        self._socket = create_connection(address, timeout=_SECONDS, suppress_origin=True)
        self._calls = 0
        self.said = []
        self.call("Page.enable")
        self.call("Runtime.enable")
        self.call("Log.enable")

    def call(self, method, **parameters):
        """Calls a method of the protocol; what the page logs meanwhile is in `said`."""
        self._calls += 1
        self._socket.send(json.dumps({"id": self._calls, "method": method, "params": parameters}))
        while True:
            answer = json.loads(self._socket.recv())
            if answer.get("id") == self._calls:
                if "navigated" in answer.get("error", {}).get("message", ""):
                    raise Navigated(method)
                assert "error" not in answer, answer
                return answer["result"]
            if answer.get("method") in ("Log.entryAdded", "Runtime.exceptionThrown"):
                self.said.append(answer["params"])

    def open(self, address):
        """Goes to an address and waits until its scripts have begun."""
        self.call("Page.navigate", url=address)
        self.until("document.readyState === 'complete' && location.href !== 'about:blank'")

    def run(self, script):
        """Returns the value of an expression, or what its promise becomes."""
        found = self.call(
            "Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True
        )
        assert "exceptionDetails" not in found, found
        return found["result"].get("value")

    def until(self, script):
        """Waits until an expression is true."""
        end = time.monotonic() + _SECONDS
        while not self._is(script):
            assert time.monotonic() < end, f"never: {script}"
            time.sleep(0.02)

    def _is(self, script):
        try:
            return self.run(f"!!({script})")
        except Navigated:
            return False

    def breaches(self):
        """Returns the rules of axe that the page breaks, each with its impact and its elements."""
        # Found, and not imported: its modules need Playwright.
        [package] = find_spec("axe_playwright_python").submodule_search_locations
        # It is no script of the page, whose policy would not let it in.
        self.run(f"{(Path(package) / 'axe.min.js').read_text(encoding='utf-8')}; true")
        found = self.run("axe.run().then((found) => found.violations)")
        return [
            (each["impact"], each["id"], [node["html"] for node in each["nodes"]]) for each in found
        ]

    def press(self, key):
        """Presses a key, such as Tab or Enter."""
        code = {"Tab": 9, "Enter": 13}[key]
        text = {"text": "\r"} if key == "Enter" else {}
        for kind in ("keyDown", "keyUp"):
            self.call(
                "Input.dispatchKeyEvent",
                **{"type": kind, "key": key, "code": key, "windowsVirtualKeyCode": code, **text},
            )

    def scheme(self, name):
        """Shows the page as with the system's scheme of colours, `light` or `dark`."""
        wanted = [{"name": "prefers-color-scheme", "value": name}]
        self.call("Emulation.setEmulatedMedia", features=wanted)

    def picture(self, file):
        """Writes a PNG of the whole page."""
        found = self.call("Page.captureScreenshot", captureBeyondViewport=True)
        Path(file).write_bytes(base64.b64decode(found["data"]))


@contextmanager
def browser(folder, *options):
    """A page of a browser of its own; skips the test where there is no Chromium.

    Args:
      folder: where its profile is.
      options: further options of Chromium.
    """
    chromium = shutil.which("chromium")
    if not chromium:
        pytest.skip("chromium is not installed")
    profile = folder / "profile"
    words = [chromium, "--headless", "--no-sandbox", "--disable-gpu", "--window-size=1400,1000"]
    words += [f"--user-data-dir={profile}", "--remote-debugging-port=0", *options, "about:blank"]
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield Page(_address(profile / "DevToolsActivePort"))
    finally:
        process.terminate()
        process.wait(_SECONDS)


def _address(file):
    end = time.monotonic() + _SECONDS
    while not (file.exists() and file.read_text().count("\n")):
        assert time.monotonic() < end, "chromium did not start"
        time.sleep(0.02)
    port, path = file.read_text().split("\n")[:2]
    address = f"ws://127.0.0.1:{port}"
    browser = create_connection(f"{address}{path}", timeout=_SECONDS, suppress_origin=True)
    try:
        browser.send(json.dumps({"id": 1, "method": "Target.getTargets"}))
        while True:
            answer = json.loads(browser.recv())
            if answer.get("id") == 1:
                break
    finally:
        browser.close()
    [page] = [each for each in answer["result"]["targetInfos"] if each["type"] == "page"]
    return f"ws://127.0.0.1:{port}/devtools/page/{page['targetId']}"
