"""The errors of a version that fails to load, and of a prediction that fails."""


class BrokenVersion(Exception):
    """A version that can't be served; the message says why. It never becomes live."""

    def __init__(self, number: int, why: str) -> None:
        super().__init__(f"version {number} can't be served: {why}")
        self.number = number
        self.why = why


class WrongValues(Exception):
    """The model rejects these values: the caller's mistake. The message is the model's reason."""


class ModelFailed(Exception):
    """The model failed through no fault of the caller, such as for lack of memory."""
