"""The errors of a request that waits for the model."""


class Overloaded(Exception):
    """Too many rows wait for the model already; the caller may retry a little later."""


class TimedOut(Exception):
    """The model didn't answer within `serving.timeout_seconds`."""
