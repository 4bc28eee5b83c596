"""The path that all pages of a server are below, for a proxy that passes paths on as they are."""

from beltline.serving.rest.forwarding import Forwarded
from beltline.serving.rest.pages import UNPROTECTED
from beltline.serving.rest.responses import Scope


class PathPrefix:
    """The prefix of one server; it may be empty."""

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix
        self._raw = prefix.encode()

    def below(self, scope: Scope) -> Scope | None:
        """Returns the scope with the path below the prefix; None if the path is not below it.

        A probe is the server's own concern and not the proxy's: it may be without the prefix.
        """
        raw = scope["raw_path"]
        if not self._raw or scope["path"] in UNPROTECTED:
            return scope
        if not raw.startswith(self._raw + b"/"):
            return None
        # The prefix has no escapes, so it is as long in either.
        size = len(self._raw)
        return {**scope, "path": scope["path"][size:], "raw_path": raw[size:]}

    def outside(self, forwarded: Forwarded | None) -> str:
        """Returns what comes before each path where the client is."""
        return self._prefix if forwarded is None else forwarded.prefix + self._prefix
