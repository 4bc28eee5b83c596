import pytest
import requests

from beltline.serving.rest.forwarding import Forwarded
from beltline.serving.rest.origin import check_origin, is_loopback
from beltline.serving.rest.responses import HttpError
from tests.serving.rest.test_predict import ROW, refused

LOCAL = "127.0.0.1"


def check(own_host=LOCAL, forwarded=None, **headers):
    named = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    check_origin(named, own_host, forwarded)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"content_type": "application/x-www-form-urlencoded"},
        {"origin": "http://127.0.0.1:8501"},
        {"origin": "http://localhost:8501", "host": "localhost:8501"},
        {"origin": "http://[::1]:8501", "host": "[::1]:8501"},
        {"sec_fetch_site": "same-origin"},
        {"sec_fetch_site": "none"},
    ],
)
def test_programs_and_the_servers_own_page_are_answered(headers):
    check(**{"host": "127.0.0.1:8501", **headers})


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": "http://127.0.0.1:3000"},
        {"origin": "http://localhost:8501"},
        {"origin": "http://127.0.0.1:8501", "sec_fetch_site": "cross-site"},
        {"sec_fetch_site": "same-site"},
        {"origin": "http://[evil"},
        # A name of another site that leads here.
        {"origin": "http://evil.example:8501", "host": "evil.example:8501"},
    ],
)
def test_a_page_of_another_site_is_refused(headers):
    with pytest.raises(HttpError, match="another site") as found:
        check(**{"host": "127.0.0.1:8501", **headers})
    assert found.value.status == 403


def test_a_server_for_other_machines_answers_pages_of_its_own_name():
    check("0.0.0.0", origin="https://line.example", host="line.example")  # noqa: S104 - nothing is bound
    with pytest.raises(HttpError):
        check("0.0.0.0", origin="https://other.example", host="line.example")  # noqa: S104 - nothing is bound


@pytest.mark.parametrize(
    ("scheme", "host", "origin"),
    [
        ("https", b"line.example", "https://line.example"),
        ("https", b"line.example:443", "https://line.example"),
        ("https", b"line.example", "https://line.example:443"),
        ("http", b"Line.example:80", "http://line.example"),
        ("https", b"line.example:8443", "https://line.example:8443"),
        ("", b"line.example", "https://line.example"),
        # Without a host of its own, the proxy has kept that of the request.
        ("https", b"", "https://kept.example"),
    ],
)
def test_behind_a_proxy_a_page_is_of_the_host_that_the_proxy_was_asked_for(scheme, host, origin):
    """Though the server itself listens for this machine alone."""
    forwarded = Forwarded("192.0.2.1", scheme, host)
    check(forwarded=forwarded, origin=origin, host="kept.example", sec_fetch_site="same-origin")


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "http://line.example"},
        {"origin": "http://line.example:443"},
        {"origin": "https://line.example:8443"},
        {"origin": "https://127.0.0.1:8501"},
        {"origin": "null"},
        {"origin": "line.example"},
        {"origin": "https://line.example", "sec_fetch_site": "cross-site"},
        {"sec_fetch_site": "same-site"},
    ],
)
def test_behind_a_proxy_a_page_of_another_site_is_refused(headers):
    forwarded = Forwarded("192.0.2.1", "https", b"line.example")
    with pytest.raises(HttpError, match="another site"):
        check(forwarded=forwarded, host="127.0.0.1:8501", **headers)


def test_loopback():
    assert all(map(is_loopback, ("localhost", "127.0.0.1", "127.9.9.9", "::1", "::1%lo")))
    assert not any(map(is_loopback, ("0.0.0.0", "example", "10.0.0.1", "")))  # noqa: S104 - nothing is bound


@pytest.mark.slow
def test_a_page_of_another_site_posts_in_vain(server):
    evil = {"Origin": "https://evil.example", "Content-Type": "text/plain"}
    for path in (":predict", ":classify", ":regress"):
        assert "another site" in refused(server.ask({"instances": [ROW]}, path, headers=evil), 403)
    own = {"Origin": server.address}
    assert server.ask({"instances": [ROW]}, headers=own).status_code == 200
    # A GET changes nothing, and the browser keeps its answer from the page.
    assert server.look("/healthz", headers=evil).status_code == 200
    preflight = requests.options(f"{server.model}:predict", headers=evil, timeout=20)
    assert "access-control-allow-origin" not in preflight.headers
