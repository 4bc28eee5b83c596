import pytest
from starlette.responses import PlainTextResponse
from starlette.testclient import TestClient

from beltline.runners.ui.guard import Guard

PORT = 8970
COOKIE = f"beltline-{PORT}"


@pytest.fixture
def client():
    guard = Guard(PlainTextResponse("seen"), "secret", PORT)
    return TestClient(guard, base_url=f"http://127.0.0.1:{PORT}", follow_redirects=False)


def test_a_browser_with_the_token_gets_in_and_stays_in(client):
    entered = client.get("/enter", params={"token": "secret"})
    assert (entered.status_code, entered.headers["location"]) == (303, "/")
    cookie = entered.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert client.get("/").text == "seen"


@pytest.mark.parametrize("token", ["", "wrong", "secre", "secretä", "\udcff"])
def test_without_the_token_nothing_is_seen(client, token):
    asked = f"/enter?token={token.encode('utf-8', 'surrogateescape').hex()}"
    assert client.get(asked).status_code == 403
    assert client.get("/enter", params={"token": token.replace("\udcff", "?")}).status_code == 403
    refused = client.get("/", headers={"cookie": f"{COOKIE}=wrong"})
    assert (refused.status_code, "seen" in refused.text) == (403, False)
    assert "beltline ui" in client.get("/").text


@pytest.mark.parametrize(
    "cookie", ["", "=", "a=b; =;", f"{COOKIE}", "beltline-1=secret", "\xff\xfe"]
)
def test_a_cookie_that_is_not_ours_is_refused(client, cookie):
    headers = {"cookie": cookie.encode("latin-1")}
    assert client.get("/", headers=headers).status_code == 403


@pytest.mark.parametrize(
    "host", ["evil.example", f"evil.example:{PORT}", "127.0.0.1", "127.0.0.1:1", "localhost:80", ""]
)
def test_another_host_is_refused_even_with_the_token(client, host):
    headers = {"host": host, "cookie": f"{COOKIE}=secret"}
    refused = client.get("/", headers=headers)
    assert (refused.status_code, "seen" in refused.text) == (421, False)
    assert client.get("/enter?token=secret", headers=headers).status_code == 421


@pytest.mark.parametrize("host", [f"localhost:{PORT}", f"LOCALHOST:{PORT}", f"[::1]:{PORT}"])
def test_the_names_of_this_machine_are_accepted(client, host):
    headers = {"host": host, "cookie": f"{COOKIE}=secret"}
    assert client.get("/", headers=headers).text == "seen"


@pytest.mark.parametrize("path", ["/", "/enter?token=secret", "/enter?token=no"])
def test_every_answer_says_that_nothing_else_may_be_loaded(client, path):
    headers = client.get(path).headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert headers["referrer-policy"] == "same-origin"
    assert headers["cache-control"] == "no-store"
    assert headers["x-content-type-options"] == "nosniff"


SAME = f"http://127.0.0.1:{PORT}"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"origin": SAME}, 200),
        ({"origin": SAME, "sec-fetch-site": "same-origin"}, 200),
        ({"origin": "null"}, 403),
        ({"origin": ""}, 403),
        ({"origin": "http://evil.example"}, 403),
        ({"origin": f"http://localhost:{PORT}"}, 403),
        ({"origin": "http://127.0.0.1:8501"}, 403),
        ({"origin": f"https://127.0.0.1:{PORT}"}, 403),
        ({"origin": SAME + ".evil.example"}, 403),
        ({"sec-fetch-site": "same-site"}, 403),
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"sec-fetch-site": "none"}, 403),
        ({"origin": SAME, "sec-fetch-site": "cross-site"}, 403),
    ],
)
def test_another_page_changes_nothing_even_with_the_token(client, headers, status):
    cookie = {"cookie": f"{COOKIE}=secret"}
    assert client.post("/", headers={**headers, **cookie}).status_code == status
    assert client.put("/", headers={**headers, **cookie}).status_code == status
    # A link on another page leads nowhere without the cookie, and may be followed with it.
    assert client.get("/", headers={**headers, **cookie}).status_code == 200
