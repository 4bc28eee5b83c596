"""The bearer token that clients of a server with a token send, over REST and gRPC."""

import hmac

TOKEN_REQUIRED = "this server requires `Authorization: Bearer TOKEN`"  # noqa: S105 # the message


def is_authorized(given: bytes, token: str) -> bool:
    """Whether a request may be answered.

    Args:
      given: its `Authorization`; empty if it has none.
      token: the server's token.
    """
    scheme, _, sent = given.partition(b" ")
    # Compared whatever the scheme is, in a time that doesn't depend on the token.
    same = hmac.compare_digest(sent.strip(), token.encode())
    return same and scheme.lower() == b"bearer"
