"""Requests that a page of another site makes in somebody's browser are refused.

A page can post to any address that its reader's machine reaches, such as a server on this machine.
The browser keeps the answer from the page, but the request would be answered, counted and sampled.
Browsers say in each POST where its page is from; programs don't, and are not concerned. Nor is a
server with a token, which no such page has. Behind a trusted proxy, a page is of this site if it is
from the host and the scheme that the proxy was asked for.
"""

from collections.abc import Iterable
from ipaddress import ip_address
from urllib.parse import urlsplit

from beltline.serving.rest.forwarding import Forwarded
from beltline.serving.rest.responses import HttpError

_DEFAULT_PORTS = {"http": ":80", "https": ":443"}
_OTHER_SITES = (b"cross-site", b"same-site")


def check_origin(
    headers: Iterable[tuple[bytes, bytes]], own_host: str, forwarded: Forwarded | None = None
) -> None:
    """Checks that a POST is not from a page of another site.

    Args:
      headers: those of the request, with names in lower case.
      own_host: the address that the server listens on. If that is of this machine alone, so must be
        the page's: the name of another site may have been made to lead here.
      forwarded: what a trusted proxy says of the request. Names that lead to the proxy are its own
        concern.

    Raises:
      HttpError: it is.
    """
    origin = host = site = b""
    for name, value in headers:
        if name == b"origin":
            origin = value
        elif name == b"host":
            host = value
        elif name == b"sec-fetch-site":
            site = value.strip().lower()
    if not (origin or site):
        return
    if forwarded is None:
        own = not origin or _is_own(origin, host, own_host)
    else:
        own = not origin or _is_of_proxy(origin, forwarded.host or host, forwarded.scheme)
    if site in _OTHER_SITES or not own:
        raise HttpError(403, "the request is from a page of another site (Origin)")


def is_loopback(host: str) -> bool:
    """Whether a name or an address is that of this machine alone."""
    try:
        return host == "localhost" or ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        return False


def _is_own(origin: bytes, host: bytes, own_host: str) -> bool:
    try:
        page = urlsplit(origin.decode("latin-1"))
        name = page.hostname or ""
    except ValueError:
        return False
    if page.netloc.lower() != host.decode("latin-1").strip().lower():
        return False
    return is_loopback(name) or not is_loopback(own_host)


def _is_of_proxy(origin: bytes, host: bytes, scheme: str) -> bool:
    """Whether a page is from the host that a proxy was asked for, and the scheme if it is known."""
    given, _, place = origin.decode("latin-1").strip().lower().partition("://")
    default = _DEFAULT_PORTS.get(given, "")
    wanted = host.decode("latin-1").strip().lower().removesuffix(default)
    return scheme in ("", given) and bool(place) and place.removesuffix(default) == wanted
