import pytest

from beltline.serving.rest.forwarding import Forwarded, Forwarding

TRUSTED = ["127.0.0.1", "10.0.0.0/8", "2001:db8::/32"]


def read(peer="127.0.0.1", trusted=TRUSTED, **headers):
    named = [
        (f"x-forwarded-{name}".encode(), value.encode())
        for name, values in headers.items()
        for value in ([values] if isinstance(values, str) else values)
    ]
    client = (peer, 4711) if peer else None
    return Forwarding(trusted).read({"client": client, "headers": named})


@pytest.mark.parametrize("peer", ["127.0.0.2", "192.0.2.1", "2001:db9::1", "", "no-address"])
def test_nobody_else_is_believed(peer):
    said = {"for": "1.2.3.4", "proto": "https", "host": "evil.example", "prefix": "/x"}
    assert read(peer, **said) is None
    assert read("127.0.0.1", trusted=[], **said) is None


def test_what_a_trusted_proxy_says():
    found = read(**{"for": "192.0.2.1", "proto": "HTTPS", "host": "a.example:1", "prefix": "/a/b/"})
    assert found == Forwarded("192.0.2.1", "https", b"a.example:1", "/a/b")
    assert read() is None
    # As a socket of IPv6 writes an address of IPv4.
    assert read("::ffff:10.1.2.3", **{"for": "192.0.2.1"}).client == "192.0.2.1"


@pytest.mark.parametrize(
    ("chain", "client"),
    [
        ("192.0.2.1", "192.0.2.1"),
        # What a client has put there itself, its own proxy has appended to.
        ("1.2.3.4, 192.0.2.1", "192.0.2.1"),
        ("1.2.3.4, 192.0.2.1, 10.0.0.7", "192.0.2.1"),
        (["1.2.3.4", "192.0.2.1,10.0.0.7"], "192.0.2.1"),
        ("10.0.0.8, 10.0.0.7", "10.0.0.8"),
        ("192.0.2.1:4711", "192.0.2.1"),
        ("[2001:db9::1]:4711", "2001:db9::1"),
        ("2001:DB9::1", "2001:db9::1"),
        ("1.2.3.4, unknown, 10.0.0.7", "10.0.0.7"),
        ("1.2.3.4, \x1b[2J", "127.0.0.1"),
        ("", "127.0.0.1"),
    ],
)
def test_the_client_is_the_last_one_that_is_not_trusted(chain, client):
    assert read(**{"for": chain}).client == client


def test_the_nearest_proxy_says_what_was_asked_for():
    found = read(proto="http, https", host=["evil.example", "a.example"], prefix="/evil,/a")
    assert found == Forwarded("127.0.0.1", "https", b"a.example", "/a")


@pytest.mark.parametrize(
    "prefix", ["a", "//evil.example", "/..", "/a?b", "/a b", "/%2e", '/"', "/" + "a" * 200, "\x1b"]
)
def test_an_invalid_prefix_or_scheme_is_ignored(prefix):
    assert read(prefix=prefix, proto="javascript") == Forwarded("127.0.0.1")
