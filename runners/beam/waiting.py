"""A process that serves until it is asked to end."""

import signal


def wait_for_signal() -> None:
    """Returns when the process is asked to end, by Ctrl-C or SIGTERM."""
    asked = {signal.SIGINT, signal.SIGTERM}
    signal.pthread_sigmask(signal.SIG_BLOCK, asked)
    signal.sigwait(asked)
