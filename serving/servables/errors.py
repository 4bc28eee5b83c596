"""Why a question to a model, or a version itself, gets no answer."""


class BrokenVersion(Exception):
    """A version can't be served; the message says why. It never takes over."""

    def __init__(self, number: int, why: str) -> None:
        super().__init__(f"version {number} can't be served: {why}")
        self.number = number
        self.why = why


class WrongValues(Exception):
    """The model can't take these values: the caller's fault. The message is the model's reason."""


class ModelFailed(Exception):
    """The model failed for no fault of the caller, such as for want of memory."""


class Overloaded(Exception):
    """Too many rows wait for the model already; the caller may come again a little later."""


class TimedOut(Exception):
    """The model didn't answer within `Options.timeout_seconds`."""
