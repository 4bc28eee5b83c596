"""The base class of every section of `pipeline.yaml`."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class MisplacedError(ValueError):
    """A value that contradicts another one; `key` is its path within the section."""

    def __init__(self, message: str, *key: str):
        super().__init__(message)
        self.key = key


class Section(BaseModel):
    """A mapping in `pipeline.yaml`; a key that it doesn't list is an error."""

    # Strict: `epochs: yes` is not a number, and a bound of NaN would refuse nothing.
    model_config = ConfigDict(
        extra="forbid", frozen=True, strict=True, allow_inf_nan=False, protected_namespaces=()
    )


def spelled(pattern: str, words: str) -> Any:
    """Returns a text of some form; `words` are what the docs page says in place of the pattern."""
    return Field(pattern=pattern, json_schema_extra={"words": words})
