"""The socket that a server listens on, bound before anything else is loaded."""

import socket

from beltline.base.errors import WrongInput

BACKLOG = 2048


def listen(host: str, port: int, option: str = "--port") -> socket.socket:
    """Returns a socket that listens on a port; 0 is a free one.

    Args:
      host: the address.
      port: the port.
      option: what sets the port, for the message.

    Raises:
      WrongInput: it is in use, or the host is not an address of this machine.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, protocol)
    except (OSError, UnicodeError) as error:
        raise WrongInput(f"--host {host}: not an address of this machine: {error}") from None
    try:
        # A port whose last server has just stopped is free.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(BACKLOG)
    except (OSError, OverflowError) as error:
        listener.close()
        raise WrongInput(
            f"{host}:{port}: can't listen: {error}; choose another with `{option}`, or 0 for "
            "a free one"
        ) from None
    return listener
