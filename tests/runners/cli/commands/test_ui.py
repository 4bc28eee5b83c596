"""`beltline ui`: a real server, from its start to its end."""

import queue
import re
import signal
import sys
import webbrowser

import pytest
import requests
from click.testing import CliRunner

from beltline.base.errors import WrongInput
from beltline.base.listening import listen
from beltline.runners.cli.commands.ui import ui
from tests.runners.ui.pages import started


def refusal(*arguments):
    error = CliRunner().invoke(ui, arguments).exception
    assert isinstance(error, WrongInput)
    return str(error)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_who_has_the_token_sees_the_runs_until_it_is_stopped(folder, ledger, number, code):
    ledger.run("r1")
    with started(folder, "--no-open") as (process, (first, address)):
        assert first == "line: 1 run; Ctrl-C ends the pages"
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+/enter\?token=[\w-]{32}", address)
        pages = address.partition("/enter")[0]
        assert requests.get(pages, timeout=10).status_code == 403
        assert requests.get(f"{pages}/enter?token=no", timeout=10).status_code == 403
        with requests.Session() as browser:
            assert browser.get(address, timeout=10).url == f"{pages}/"
            shown = browser.get(pages, timeout=10)
        assert "r1" in shown.text
        assert "server" not in shown.headers
        process.send_signal(number)
        _, said = process.communicate(timeout=20)
        assert (process.returncode, "Traceback" in said) == (code, False)


def test_the_address_is_opened_unless_it_should_not_be(folder, monkeypatch):
    opened, served = queue.Queue(), []
    monkeypatch.setattr(webbrowser, "open", opened.put)
    monkeypatch.setattr("uvicorn.Server.run", lambda *_, sockets: served.append(sockets[0]))
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    words = ["-f", str(folder / "pipeline.yaml"), "--port", "0"]
    assert CliRunner().invoke(ui, [*words, "--no-open"]).exit_code == 0
    assert opened.empty()
    shown = CliRunner().invoke(ui, words).output
    assert opened.get(timeout=10) == shown.splitlines()[1]
    assert len(served) == 2


def test_what_keeps_it_from_starting_is_said(folder, monkeypatch):
    words = ["-f", str(folder / "pipeline.yaml")]
    with listen("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        assert f"127.0.0.1:{port}: can't listen" in refusal(*words, "--port", str(port))
    (folder / ".beltline").mkdir()
    (folder / ".beltline" / "metadata.sqlite").write_text("no database, but a long line\n" * 99)
    assert "metadata.sqlite can't be opened" in refusal(*words, "--port", "0")
    # What an environment without the package answers.
    monkeypatch.setitem(sys.modules, "starlette", None)
    assert "beltline[ui]" in refusal(*words)
