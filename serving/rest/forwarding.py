"""What a proxy says of a request: its client, and what the client has asked for.

Anybody can send `X-Forwarded-*`. They are believed of the proxies in `serving.trusted_proxies` and
ignored from anybody else. RFC 7239's `Forwarded` is ignored from everybody: most proxies set one of
the two and pass the other one on as the client sent it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from beltline.base.settings.serving import PREFIX
from beltline.serving.rest.responses import Scope

_FOR = b"x-forwarded-for"
_PROTO = b"x-forwarded-proto"
_HOST = b"x-forwarded-host"
_PREFIX = b"x-forwarded-prefix"
_NAMES = frozenset({_FOR, _PROTO, _HOST, _PREFIX})
_MOST_PREFIX = 200


@dataclass(frozen=True, slots=True)
class Forwarded:
    """What a trusted proxy says of a request."""

    client: str
    """The address of the client: the last one that is no trusted proxy."""
    scheme: str = ""
    """`http` or `https`, as the client asked; empty if the proxy doesn't say it."""
    host: bytes = b""
    """The host that the client asked for; empty if the proxy doesn't say it."""
    prefix: str = ""
    """What the proxy has stripped from the path."""


class Forwarding:
    """Finds what is forwarded by trusted proxies.

    Args:
      trusted: their addresses and networks.
    """

    def __init__(self, trusted: Sequence[str]) -> None:
        self._networks = [ip_network(each) for each in trusted]
        self._is_trusted = lru_cache(1024)(self._find)

    def read(self, scope: Scope) -> Forwarded | None:
        """Returns what a trusted proxy says of a request; None if none does."""
        if not self._networks:
            return None
        peer = peer_address(scope)
        if not self._is_trusted(peer):
            return None
        given: dict[bytes, list[bytes]] = {}
        for name, value in scope["headers"]:
            if name in _NAMES:
                given.setdefault(name, []).append(value)
        if not given:
            return None
        scheme = _last(given, _PROTO).lower().decode("latin-1")
        return Forwarded(
            self._client(peer, given.get(_FOR, ())),
            scheme if scheme in ("http", "https") else "",
            _last(given, _HOST),
            _prefix(_last(given, _PREFIX)),
        )

    def _client(self, peer: str, chain: Iterable[bytes]) -> str:
        """Walks from the nearest proxy to the client, for as long as each is trusted."""
        hops = [hop.strip().decode("latin-1") for value in chain for hop in value.split(b",")]
        found = peer
        while hops and self._is_trusted(found):
            address = _parsed(hops.pop())
            if address is None:
                break
            found = str(address)
        return found

    def _find(self, address: str) -> bool:
        parsed = _parsed(address)
        return parsed is not None and any(parsed in network for network in self._networks)


def peer_address(scope: Scope) -> str:
    """Returns the address at the other end of the connection; empty if it is unknown."""
    return scope["client"][0] if scope["client"] else ""


def _parsed(text: str) -> IPv4Address | IPv6Address | None:
    """Returns an address, which may have a port; None if it is none."""
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        found = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    mapped = found.ipv4_mapped if isinstance(found, IPv6Address) else None
    return mapped or found


def _last(given: dict[bytes, list[bytes]], name: bytes) -> bytes:
    """Returns what the nearest proxy says: those before it may be anybody."""
    values = given.get(name)
    return values[-1].rpartition(b",")[2].strip() if values else b""


def _prefix(value: bytes) -> str:
    text = value.decode("latin-1").rstrip("/")
    return text if len(text) <= _MOST_PREFIX and PREFIX.fullmatch(text) else ""
