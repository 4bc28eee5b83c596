"""The form that asks the live model, over real connections: browser's side and server's."""

import json
import socket
import threading
import time

import pytest
import requests
import uvicorn

from beltline.runners.ui.app import application
from beltline.runners.ui.forms import Forms
from beltline.runners.ui.known import Known
from beltline.runners.ui.model_server import ModelServer
from beltline.versions.push import push
from tests.http_stub import serving
from tests.runners.ui.test_model_server import Stub

PROOF = Forms("secret").proof
PROBLEM = {"label": "scrap", "columns": {"mold": "text", "te<mp": "number"}}


@pytest.fixture
def pushed(tmp_path, paths):
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "saved_model.pb").write_text("m")
    push(tmp_path / "model", paths.served("served", "line"), {"problem": PROBLEM})


@pytest.fixture
def browser(paths):
    """A session in which the pages were entered, and their address; a stub is the model server."""
    asked = []
    said = json.dumps({"predictions": [{"class": "<b>"}], "version": "1"})
    here = ("127.0.0.1", 0)
    with serving(Stub, said=said, asked=asked) as server, socket.create_server(here) as port:
        number = port.getsockname()[1]
        known = Known(paths, "line", paths.served("served", "line"))
        app = application(known, "secret", number, ModelServer(server))
        pages = uvicorn.Server(uvicorn.Config(app, log_level="error"))
        thread = threading.Thread(target=pages.run, kwargs={"sockets": [port]})
        thread.start()
        while not pages.started:
            time.sleep(0.01)
        with requests.Session() as http:
            http.trust_env = False
            http.address, http.asked = f"http://127.0.0.1:{number}", asked
            http.get(f"{http.address}/enter", params={"token": "secret"})
            yield http
        pages.should_exit = True
        thread.join()


def post(browser, form, **headers):
    return browser.post(f"{browser.address}/ask", data=form, headers=headers)


def test_a_question_is_answered(browser, pushed):
    page = browser.get(f"{browser.address}/ask").text
    assert "predicts <strong>scrap</strong>" in page
    assert 'name="column:te&lt;mp" value=""' in page and 'inputmode="decimal"' in page
    origin = {"origin": browser.address, "sec-fetch-site": "same-origin"}
    form = {"form": PROOF, "column:mold": 'M"1', "column:te<mp": ""}
    found = post(browser, form, **origin)
    assert found.status_code == 200
    assert "Answer of version 1" in found.text and "<td>&lt;b&gt;</td>" in found.text
    assert 'value="M&#34;1"' in found.text
    assert browser.asked[0][2] == {"instances": [{"mold": 'M"1', "te<mp": None}]}


def test_only_a_form_of_these_pages_asks(browser, pushed):
    assert post(browser, {"column:mold": "M1"}).status_code == 403
    assert post(browser, {"form": "0" * 64}).status_code == 403
    assert post(browser, {"form": PROOF}, origin="http://evil.example").status_code == 403
    assert post(browser, {"form": PROOF}, host="evil.example").status_code == 421
    browser.cookies.clear()
    assert post(browser, {"form": PROOF}).status_code == 403
    assert browser.asked == []


def test_before_the_first_push_there_is_nothing_to_ask(browser):
    assert "No version is live" in browser.get(f"{browser.address}/ask").text
    refused = post(browser, {"form": PROOF})
    assert (refused.status_code, browser.asked) == (409, [])


def test_what_the_server_refuses_is_said_and_the_row_kept(browser, pushed, monkeypatch):
    monkeypatch.setattr(Stub, "do_POST", lambda stub: stub.send(400, '{"error": "<i>no"}', ""))
    found = post(browser, {"form": PROOF, "column:mold": "M7"})
    assert found.status_code == 502
    assert "answered 400: &lt;i&gt;no" in found.text and 'value="M7"' in found.text
