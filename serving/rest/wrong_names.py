"""The error for a request whose names are not those of a signature's inputs."""

from collections.abc import Collection, Iterable
from typing import Any

from beltline.base.hints import did_you_mean
from beltline.serving.rest.request_body import shown
from beltline.serving.rest.responses import HttpError

_MAX_NAME = 100


class WrongNames(HttpError):
    """The names in a request are not those of the inputs."""

    def __init__(
        self,
        columns: dict[str, str],
        unread: Collection[str] = (),
        unknown: str = "",
        given: Iterable[str] = (),
    ) -> None:
        given = list(given)
        # The error quotes what a caller sent: only the begin of it.
        self.unknown = unknown = unknown[:_MAX_NAME]
        self.twice = [name for name, input_ in columns.items() if given.count(input_) > 1]
        self.missing = [name for name, input_ in columns.items() if input_ not in given]
        self.hint = did_you_mean(unknown, [*columns, *unread])
        self.why = f"JSON object: does not have named input: {unknown}{self.hint}"
        if self.twice:
            self.why = f"given twice, by both of its names: {_listed(self.twice)}"
        elif not unknown:
            self.why = f"Missing named input: {_listed(self.missing)} in 'inputs' object."
        super().__init__(400, self.why)

    def of_tensors(self) -> str:
        """Returns the message for a request that is no JSON."""
        if self.unknown:
            return f"the signature has no input {self.unknown}{self.hint}"
        return self.why if self.twice else f"missing inputs: {_listed(self.missing)}"

    def of_row(self, row: dict[str, Any], columns: Iterable[str]) -> str:
        """Returns the message for a row."""
        if self.unknown:
            return f"Error: INVALID_ARGUMENT: {self.why}"
        if self.twice:
            return self.why
        return (
            f"JSON object: {shown(row)} keys must be equal to: {_listed(columns)}; "
            f"missing: {_listed(self.missing)}"
        )


def _listed(names: Iterable[str]) -> str:
    return ",".join(sorted(names))
