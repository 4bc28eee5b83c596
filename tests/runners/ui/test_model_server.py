"""Asking over a real connection; what answers is a stub that says what the server's docs say."""

import json
import socket

import pytest

from beltline.runners.ui import model_server
from beltline.runners.ui.model_server import ModelServer, NotAnswered, ask
from tests.http_stub import Handler, serving


class Stub(Handler):
    status, said = 200, "{}"

    def do_POST(self):
        content = self.rfile.read(int(self.headers["Content-Length"]))
        self.asked.append((self.path, self.headers.get("Authorization"), json.loads(content)))
        self.send(self.status, self.said, "application/json")


def answered(said, status=200, token="", asked=None, name="line"):
    text = said if isinstance(said, str) else json.dumps(said)
    asked = [] if asked is None else asked
    with serving(Stub, status=status, said=text, asked=asked) as url:
        return ask(ModelServer(url, token), name, {"mold": "M1", "temp": None})


def test_a_row_is_sent_as_the_docs_say():
    asked = []
    said = {"predictions": [{"class": "ok", "probability": 0.25}], "version": "3"}
    found = answered(said, asked=asked)
    assert found.values == {"class": "ok", "probability": "0.25"}
    assert (found.version, found.classes) == ("3", [])
    assert found.seconds > 0
    sent = {"instances": [{"mold": "M1", "temp": None}]}
    assert asked == [("/v1/models/line:predict", None, sent)]


def test_the_token_is_sent_and_the_name_is_a_part_of_the_path():
    asked = []
    answered({"predictions": [1.5]}, token="a b", asked=asked, name="a/../b ü")  # noqa: S106 # of nothing
    path, authorization, _ = asked[0]
    assert authorization == "Bearer a b"
    assert path == "/v1/models/a%2F..%2Fb%20%C3%BC:predict"


def test_classes_are_sorted_by_their_probability():
    first = {"class": "b", "probability": 0.7, "classes": ["a", "b"], "probabilities": [0.3, 0.7]}
    found = answered({"predictions": [first]})
    assert found.values == {"class": "b", "probability": "0.7"}
    assert found.classes == [("b", 0.7), ("a", 0.3)]
    assert answered({"predictions": [2.5]}).values == {"prediction": "2.5"}


@pytest.mark.parametrize(
    ("status", "said", "why"),
    [
        (400, {"error": "'48.9' is not a whole number"}, "answered 400: '48.9' is not a whole"),
        (503, {"error": "no version is live yet"}, "answered 503: no version is live yet"),
        (404, {}, "answered 404$"),
        (401, {"error": "Bearer TOKEN"}, "requires a token: set BELTLINE_SERVE_TOKEN"),
        (307, {}, "answered 307"),
        (200, "<html>", "is no model server"),
        (200, [], "is no model server"),
        (200, "[" * 9999, "is no model server"),
        (200, {"predictions": []}, "is no model server"),
        (200, {"predictions": [1, 2]}, "is no model server"),
        (200, {"predictions": "xy"}, "is no model server"),
        (200, {"predictions": [{"classes": ["a"], "probabilities": ["x"]}]}, "no model server"),
        (200, {"predictions": [{"classes": ["a"], "probabilities": [None]}]}, "no model server"),
    ],
)
def test_why_there_is_no_answer(status, said, why):
    with pytest.raises(NotAnswered, match=why):
        answered(said, status)


def test_where_no_server_listens_the_command_is_named(monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as free:
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    # A proxy of the environment is not asked instead.
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    with pytest.raises(NotAnswered, match=f"No server listens at {url}; start it with `beltline"):
        ask(ModelServer(url), "line", {})


def test_a_server_that_does_not_answer_is_not_waited_for(monkeypatch):
    monkeypatch.setattr(model_server, "_READ_SECONDS", 0.05)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(NotAnswered, match="did not answer within"):
            ask(ModelServer(url), "line", {})


def test_a_redirect_is_not_followed():
    class Elsewhere(Stub):
        def end_headers(self):
            self.send_header("Location", self.path + "/elsewhere")
            super().end_headers()

    asked = []
    with (
        serving(Elsewhere, status=307, asked=asked) as url,
        pytest.raises(NotAnswered, match="no model server"),
    ):
        ask(ModelServer(url), "line", {})
    assert len(asked) == 1


def test_what_speaks_no_http_is_said():
    class Rude(Stub):
        def do_POST(self):
            self.wfile.write(b"SSH-2.0-OpenSSH\r\n")
            self.close_connection = True

    with serving(Rude) as url, pytest.raises(NotAnswered, match="broke off, or speaks no HTTP"):
        ask(ModelServer(url), "line", {})


def test_a_token_is_not_printed():
    assert "of nothing" not in repr(ModelServer("http://127.0.0.1:8501", "of nothing"))
